import { createMemoryStore } from '@tfx/backend'
import {
  loadCheckpoint,
  modelFamily,
  type OnnxPrecision,
  resolveBase,
  saveCheckpoint,
  type Task,
} from '@tfx/core'
import { Option } from 'commander'
import { precisions } from '../options'
import type { AddCommand } from '../run-cli'
import { withInterrupt } from '../surroundings'

interface Flags {
  readonly output: string
  readonly onnx: readonly OnnxPrecision[]
  readonly dtype: 'float32' | 'float16' | 'bfloat16'
  readonly overwrite?: boolean
}

/** `tfx export` */
export const addExport: AddCommand = (program, surroundings) =>
  void program
    .command('export <model>')
    .description('writes a model of any kind as safetensors and ONNX, for Python and Transformers.js')
    .requiredOption('-o, --output <directory>', 'where to write it')
    .option('--onnx <precisions>', 'the ONNX files, such as float32,int8,int4; none for none', precisions, [
      'float32',
      'int8',
    ])
    .addOption(
      new Option('--dtype <type>', 'of the safetensors')
        .choices(['float32', 'float16', 'bfloat16'])
        .default('float32'),
    )
    .option('--overwrite', 'replace a model that is there')
    .action(async (source: string, { output, onnx, dtype, overwrite = false }: Flags) => {
      await withInterrupt(surroundings, async (signal) => {
        const { directory } = await resolveBase(source, { signal })
        const checkpoint = await loadCheckpoint(directory)
        const { config, tokenizer, generation } = checkpoint
        const task = taskOf(checkpoint)
        const specs = modelFamily(config.modelType as string).parameterShapes(config, task)
        const shapes = Object.entries(specs).map(([name, { shape }]) => [name, shape] as const)
        const store = createMemoryStore(Object.fromEntries(shapes))
        try {
          const write = (name: string, values: Float32Array) => store.write(name, values)
          await checkpoint.loadParameters(task as never, { write })
          await saveCheckpoint(output, {
            caller: 'tfx export',
            ...{ config, task, tokenizer, parameters: store, overwrite, onnx, dtype },
            ...(checkpoint.kind !== 'encoder' && { generation }),
          })
        } finally {
          store.dispose()
        }
        surroundings.stdout.write(`Exported to ${output}\n`)
      })
    })

/** What the ends of architectures' names say that a checkpoint is for. */
const tasks: Readonly<Record<string, Task>> = {
  ForSequenceClassification: 'sequence-classification',
  ForTokenClassification: 'token-classification',
  ForMaskedLM: 'masked-language-modelling',
}

function taskOf({ kind, config }: Awaited<ReturnType<typeof loadCheckpoint>>): Task {
  const { architectures = [] } = config.source as { architectures?: readonly string[] }
  const named = Object.keys(tasks).find((end) => architectures.some((name) => name.endsWith(end)))
  if (named !== undefined) return tasks[named]!
  if (kind === 'encoder') return 'feature-extraction'
  return kind === 'decoder' ? 'causal-language-modelling' : 'sequence-to-sequence'
}
