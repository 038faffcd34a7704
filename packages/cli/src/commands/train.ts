import { ArgumentError } from '@tfx/common'
import type { OnnxPrecision } from '@tfx/core'
import { assignment, decimal, precisions, rate, whole } from '../options'
import type { AddCommand } from '../run-cli'
import { withInterrupt } from '../surroundings'
import { openTask } from '../tasks'

interface Flags {
  readonly task: string
  readonly base?: string
  readonly output: string
  readonly epochs?: number
  readonly maxSteps?: number
  readonly batchSize?: number
  readonly learningRate?: number | 'find'
  readonly seed?: number
  readonly adapter?: string
  readonly onlyAdapter?: boolean
  readonly set?: Readonly<Record<string, unknown>>
  readonly onnx?: readonly OnnxPrecision[]
  readonly overwrite?: boolean
  readonly quiet?: boolean
}

/** The bases that ship for tasks of models that write; they are installed apart. */
const smallBases: Readonly<Record<string, string>> = {
  chat: '@tfx/base-decoder',
  translation: '@tfx/base-seq2seq',
  summarization: '@tfx/base-seq2seq',
}

/** `tfx train` */
export const addTrain: AddCommand = (program, surroundings) =>
  void program
    .command('train <data>')
    .description('fine-tunes a base on a data set and saves the model')
    .requiredOption('-o, --output <directory>', 'where to save the model')
    .option('-t, --task <name>', 'sentiment, chat, … or a package', 'sentiment')
    .option(
      '-b, --base <name>',
      'a directory, an npm package or a hub id (default: the small one of the task)',
    )
    .option('--epochs <number>', 'how often to go through the data', decimal)
    .option('--max-steps <n>', 'stop after so many steps', whole())
    .option('--batch-size <n>', 'examples in a batch', whole(1))
    .option('--learning-rate <number>', "the highest rate, or 'find'", rate)
    .option('--seed <n>', 'decides everything random', whole())
    .option('--adapter <name>', 'train few parameters: lora, ia3, bitfit, prompt')
    .option(
      '--only-adapter',
      'save what the adapter has learned, not the whole model; a prompt is always saved so',
    )
    .option('--set <name=value>', 'any other option of transfer; may be repeated', assignment)
    .option('--onnx <precisions>', 'the ONNX files to save, such as float32,int8, or none', precisions)
    .option('--overwrite', 'replace a model that is there')
    .option('--quiet', 'show no progress')
    .action(async (data: string, flags: Flags) => {
      const {
        task,
        base = smallBases[task.replace(/^@tfx\//, '')] ?? '@tfx/base-encoder',
        output,
        overwrite = false,
        onnx,
        quiet = false,
        set,
        onlyAdapter,
        ...given
      } = flags
      const adapter = given.adapter ?? set?.adapter
      const savesAdapter = onlyAdapter ?? adapter === 'prompt'
      if (savesAdapter && (adapter === undefined || adapter === 'bitfit')) throw withoutAdapter(adapter)
      const { transfer } = await openTask(task)
      await withInterrupt(surroundings, async (signal) => {
        const model = await transfer(base, data, { ...set, ...given, progress: !quiet, signal })
        try {
          if (!quiet) for (const note of model.notes) surroundings.stderr.write(`${note}\n`)
          if (savesAdapter) await model.saveAdapter(output, { overwrite })
          else await model.save(output, { overwrite, ...(onnx && { onnx }) })
          surroundings.stdout.write(`Saved to ${output}\n`)
        } finally {
          await model.dispose()
        }
      })
    })

const withoutAdapter = (adapter: string | undefined) =>
  new ArgumentError({
    function: 'tfx train',
    argument: '--only-adapter',
    expected: 'an adapter with files of its own',
    received: adapter ?? 'none',
    remedy: 'Add --adapter lora, or leave it out to save the whole model.',
  })
