import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describeWriteFailure } from '@tfx/common'

/** Options of {@link openLogFile}. */
interface LogFileOptions {
  /** The public function to name in errors. */
  readonly caller: string
}

/**
 * A file that a log is appended to. What is written is with the operating system when the call returns, so that a killed
 * run loses no line.
 *
 * @param path Created if it is not there, with the directories above it.
 * @returns Appends to it. The first failure, for instance of a full disk, is a process warning, and ends the log: losing it
 *   must not lose the training.
 * @throws FileSystemError if it cannot be opened: nothing is lost yet, and the path probably wrong.
 */
export function openLogFile(path: string, { caller }: LogFileOptions): (data: string | Uint8Array) => void {
  let failed = false
  try {
    mkdirSync(dirname(path), { recursive: true })
    appendFileSync(path, '')
  } catch (error) {
    throw describeWriteFailure(error, { caller, directory: path })
  }
  return (data) => {
    if (failed) return
    try {
      appendFileSync(path, data)
    } catch (error) {
      failed = true
      warnOfLostLog(describeWriteFailure(error, { caller, directory: path }))
    }
  }
}

/** Says that something beside the training could not be written. */
export function warnOfLostLog(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error))
}
