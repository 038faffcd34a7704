import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDirectory } from '@tfx/common'
import type { ModelConfig, Task } from '../config/model-config'
import { configText } from '../config/config-text'
import { formatConfig } from '../config/read-config'
import type { OnnxPrecision } from '../export/program'
import {
  formatGenerationConfig,
  parseGenerationConfig,
  type GenerationConfig,
} from '../generation/generation-config'
import { modelFamily } from '../models'
import { type TensorToWrite, type WritableType, writeSafetensors } from '../safetensors'
import type { Tokenizer } from '../tokenizer'
import { writeOnnxFiles } from './onnx-files'

/** What {@link saveCheckpoint} writes. */
export interface CheckpointContents {
  readonly config: ModelConfig
  readonly task: Task
  readonly tokenizer: Pick<Tokenizer, 'files'>
  /** The weights: a parameter store, or anything else that can be read by name. */
  readonly parameters: {
    readonly shapes: Readonly<Record<string, readonly number[]>>
    read(name: string): Promise<Float32Array>
  }
  /** How weights are stored. Default `float32`. */
  readonly dtype?: 'float32' | 'float16' | 'bfloat16'
  /** ONNX files to write beside them, for Transformers.js, by precision. Default none. */
  readonly onnx?: readonly OnnxPrecision[]
  /** Bytes from which on the weights of an ONNX file get a file of their own. Default 2e9, the most that one holds. */
  readonly maxOnnxSize?: number
  /**
   * What generation_config.json says. Default: for models that write, what config.json says of it; for others, there
   * is none.
   */
  readonly generation?: Partial<GenerationConfig>
  /** Bytes of weights in one file. Default 5e9. */
  readonly maxShardSize?: number
}

/** Options of {@link saveCheckpoint} beside the contents. */
export interface SaveCheckpointOptions extends CheckpointContents {
  /** The public function to name in errors. Default `saveCheckpoint`. */
  readonly caller?: string
  /** Replace a directory that is there and not empty. Default false. */
  readonly overwrite?: boolean
}

const storedTypes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const

/**
 * Saves a model of any kind as a directory that `loadCheckpoint`, Python transformers and Transformers.js read. It
 * appears whole or not at all.
 *
 * @throws FileSystemError if the directory is not empty and `overwrite` is not set, or holds no
 *   model that could be replaced, or it cannot be written.
 * @throws ArgumentError if ONNX files are asked for that do not exist for the task.
 *
 * @example
 * ```ts
 * await saveCheckpoint('./my-model', { config, task: 'sequence-classification', tokenizer, parameters: store })
 * ```
 */
export async function saveCheckpoint(
  directory: string,
  { caller = 'saveCheckpoint', overwrite = false, ...contents }: SaveCheckpointOptions,
): Promise<void> {
  await writeDirectory(directory, (temporary) => writeCheckpointFiles(temporary, contents), {
    caller,
    overwrite,
    marker: 'config.json',
  })
}

/**
 * Writes config.json, the tokenizer's files, the weights and ONNX files into a directory that exists.
 * {@link saveCheckpoint} does it safely.
 */
export async function writeCheckpointFiles(
  directory: string,
  { config, task, tokenizer, parameters, ...options }: CheckpointContents,
): Promise<void> {
  const { dtype = 'float32', onnx = [], generation, maxShardSize, maxOnnxSize: maxFileSize } = options
  for (const [name, bytes] of tokenizer.files) await writeFile(join(directory, name), bytes)
  const tensors = Object.entries(parameters.shapes).map(([name, shape]) => ({
    name,
    shape,
    dtype: storedTypes[dtype],
    data: () => parameters.read(name),
  }))
  const all = [...tensors, ...computedTables(config, storedTypes[dtype])]
  await writeSafetensors(join(directory, 'model.safetensors'), all, maxShardSize ? { maxShardSize } : {})
  const read = (name: string) => parameters.read(name)
  const split = await writeOnnxFiles(directory, { config, task, read, precisions: onnx, maxFileSize })
  const json = formatConfig(config, task, dtype)
  await writeFile(join(directory, 'config.json'), configText(withExternalData(json, split)))
  const writes = generation ?? (writingTasks.includes(task) ? parseGenerationConfig(json) : undefined)
  if (!writes) return
  await writeFile(join(directory, 'generation_config.json'), configText(formatGenerationConfig(writes)))
}

/** Tables that are computed here, and that Python would report as missing. */
function computedTables(config: ModelConfig, dtype: WritableType): TensorToWrite[] {
  const tables = modelFamily(config.modelType as string).computedTables?.(config) ?? {}
  return Object.entries(tables).map(([name, { shape, valueAt }]) => {
    const [rows, columns] = shape
    const values = () =>
      Float32Array.from({ length: rows * columns }, (_, at) =>
        valueAt(Math.floor(at / columns), at % columns),
      )
    return { name, shape, dtype, data: () => Promise.resolve(values()) }
  })
}

const writingTasks: readonly Task[] = ['causal-language-modelling', 'sequence-to-sequence']

/** Tells Transformers.js which ONNX files have their weights beside them; what an older save said does not hold. */
function withExternalData(json: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const { 'transformers.js_config': given, ...kept } = json
  const { use_external_data_format: _, ...others } = (given ?? {}) as Record<string, unknown>
  const told = {
    ...others,
    ...(names.length > 0 && { use_external_data_format: Object.fromEntries(names.map((name) => [name, 1])) }),
  }
  return { ...kept, ...(Object.keys(told).length > 0 && { 'transformers.js_config': told }) }
}
