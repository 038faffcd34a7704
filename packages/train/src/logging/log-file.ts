import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describeWriteFailure } from '@tfx/common'

/** Does something to the file of a log, unless that failed before. */
export type WriteLog = (work: (file: string) => void) => void

/**
 * Opens a log. What is written to it must be with the operating system when the work returns, so that a killed run loses no
 * line.
 *
 * @param file Created if it is not there, with the directories above it.
 * @param caller The public function to name in errors.
 * @returns Does work on the file. The first failure, for instance of a full disk, is a process warning and ends the log:
 *   losing it must not lose the training.
 * @throws FileSystemError if the file cannot be opened: nothing is lost yet, and the path probably wrong.
 */
export function openLogFile(file: string, caller: string): WriteLog {
  const describe = (error: unknown) => describeWriteFailure(error, { caller, directory: file })
  let failed = false
  try {
    mkdirSync(dirname(file), { recursive: true })
    appendFileSync(file, '')
  } catch (error) {
    throw describe(error)
  }
  return (work) => {
    if (failed) return
    try {
      work(file)
    } catch (error) {
      failed = true
      process.emitWarning(describe(error) as Error)
    }
  }
}
