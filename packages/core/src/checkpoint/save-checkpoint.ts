import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeDirectory } from '@tfx/common'
import type { ModelConfig, Task } from '../config/model-config'
import { formatConfig } from '../config/read-config'
import { onnxFiles, type OnnxPrecision } from '../export/program'
import { formatGenerationConfig, type GenerationConfig } from '../generation/generation-config'
import { writeSafetensors } from '../safetensors'
import type { Tokenizer } from '../tokenizer'

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
  /** ONNX files to write beside them; each is made only when its turn comes. */
  readonly onnx?: Partial<Record<OnnxPrecision, () => Uint8Array | Promise<Uint8Array>>>
  /** What generation_config.json says. Default: there is none. */
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
 * Saves a model as a directory that `loadCheckpoint`, Python transformers and Transformers.js read. It appears
 * whole or not at all.
 *
 * @throws FileSystemError if the directory is not empty and `overwrite` is not set, or holds no
 *   model that could be replaced, or it cannot be written.
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
  const { dtype = 'float32', onnx = {}, generation, maxShardSize } = options
  const writeJson = (name: string, json: object) =>
    writeFile(join(directory, name), `${JSON.stringify(json, undefined, 2)}\n`)
  await writeJson('config.json', formatConfig(config, task, dtype))
  if (generation) await writeJson('generation_config.json', formatGenerationConfig(generation))
  for (const [name, bytes] of tokenizer.files) await writeFile(join(directory, name), bytes)
  const tensors = Object.entries(parameters.shapes).map(([name, shape]) => ({
    name,
    shape,
    dtype: storedTypes[dtype],
    data: () => parameters.read(name),
  }))
  await writeSafetensors(join(directory, 'model.safetensors'), tensors, maxShardSize ? { maxShardSize } : {})
  for (const [precision, bytes] of Object.entries(onnx)) {
    const file = join(directory, 'onnx', onnxFiles[precision as OnnxPrecision])
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, await bytes())
  }
}
