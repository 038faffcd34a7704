import { readFileSync } from 'node:fs'
import { isTfxError, type TfxError } from '@tfx/common'
import { Command, CommanderError } from 'commander'
import { addChat } from './commands/chat'
import { addDoctor } from './commands/doctor'
import { addEvaluate } from './commands/evaluate'
import { addExport } from './commands/export'
import { addGenerate } from './commands/generate'
import { addPredict } from './commands/predict'
import { addServe } from './commands/serve'
import { addTrain } from './commands/train'
import type { Surroundings } from './surroundings'

/** What each command adds to the program. */
export type AddCommand = (program: Command, surroundings: Surroundings) => void

const commands: readonly AddCommand[] = [
  addTrain,
  addEvaluate,
  addPredict,
  addExport,
  addGenerate,
  addChat,
  addServe,
  addDoctor,
]

/**
 * Runs a command line.
 *
 * @param parameters What stands behind `tfx`.
 * @returns The exit code: 0, 1 if it failed, 2 if it was called wrongly, 130 if it was interrupted.
 */
export async function runCli(parameters: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings
  const program = new Command('tfx')
    .description('Fine-tunes transformers, and tries, exports and serves them.')
    .version(ownVersion())
    .showHelpAfterError('(tfx --help, or tfx help COMMAND, says what there is)')
  program.exitOverride().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
  })
  for (const add of commands) add(program, surroundings)
  try {
    await program.parseAsync(parameters, { from: 'user' })
    return 0
  } catch (error) {
    // It has printed the rest itself.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (isTfxError(error) && error.code === 'ERR_TFX_ABORTED') {
      stderr.write('Interrupted.\n')
      return 130
    }
    stderr.write(isTfxError(error) ? describe(error) : `Unexpected: ${stackOf(error)}\n`)
    return 1
  }
}

/** The remedy on a line of its own. */
function describe({ message, remedy }: TfxError): string {
  if (remedy === undefined) return `${message}\n`
  return `${message.slice(0, -remedy.length).trim()}\n${remedy}\n`
}

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error))

function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
