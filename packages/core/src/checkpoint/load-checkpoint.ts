import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import type { DecoderConfig, DecoderTask } from '../config/decoder-config'
import type { EncoderConfig, EncoderTask } from '../config/encoder-config'
import type { ModelConfig, ModelKind, Task } from '../config/model-config'
import type { SequenceToSequenceConfig, SequenceToSequenceTask } from '../config/sequence-to-sequence-config'
import { readConfig } from '../config/read-config'
import { parseGenerationConfig, type GenerationConfig } from '../generation/generation-config'
import { modelFamily } from '../models'
import type { DecoderFamily } from '../models/decoder-family'
import type { EncoderFamily } from '../models/encoder-family'
import type { SequenceToSequenceFamily } from '../models/sequence-to-sequence-family'
import { loadTokenizer, type Tokenizer } from '../tokenizer'
import { readParameters, type LoadParametersOptions, type LoadReport } from './load-parameters'
import { findWeights } from './weights-file'

/** What checkpoints of each kind have. */
interface Kinds {
  encoder: { config: EncoderConfig; family: EncoderFamily; task: EncoderTask }
  decoder: { config: DecoderConfig; family: DecoderFamily; task: DecoderTask }
  'encoder-decoder': {
    config: SequenceToSequenceConfig
    family: SequenceToSequenceFamily
    task: SequenceToSequenceTask
  }
}

/** A model on disk: everything but the weights is in memory. */
export type Checkpoint<K extends ModelKind = ModelKind> = { [Kind in K]: CheckpointOf<Kind> }[K]

interface CheckpointOf<K extends ModelKind> {
  readonly kind: K
  readonly config: Kinds[K]['config']
  readonly family: Kinds[K]['family']
  readonly tokenizer: Tokenizer
  /** How it is meant to write: generation_config.json, else what config.json says of it. Nothing for encoders. */
  readonly generation: Partial<GenerationConfig>
  /** Where it came from, for people. */
  readonly source: string
  /**
   * Reads the weights of a task's model, one tensor at a time. The head is taken over where the checkpoint has it
   * for as many labels; otherwise it is new, and the report says so.
   *
   * @throws CheckpointError if the files are malformed, a parameter of the backbone is missing, or a shape is wrong.
   */
  loadParameters(task: Kinds[K]['task'], options: LoadParametersOptions): Promise<LoadReport>
}

/**
 * Opens a Hugging Face directory: config.json, a tokenizer, and the weights: `model.safetensors`, else
 * `pytorch_model.bin`, or the shards of either.
 *
 * @param directory What `save_pretrained`, `saveCheckpoint` or `resolveBase` left.
 * @param options `kind`: the kind that is needed; others are refused. Default: any. `source`: how to name it in
 *   messages. Default: the directory.
 * @throws CheckpointError if something is missing, malformed, or of an architecture that is not supported.
 *
 * @example
 * ```ts
 * const checkpoint = await loadCheckpoint('./my-model')
 * const weights = new Map<string, Float32Array>()
 * const report = await checkpoint.loadParameters('sequence-classification', {
 *   write: (name, values) => void weights.set(name, values),
 * })
 * console.log(report.newlyInitialised)
 * ```
 */
export async function loadCheckpoint<K extends ModelKind = ModelKind>(
  directory: string,
  { kind, source = directory }: { kind?: K; source?: string } = {},
): Promise<Checkpoint<K>> {
  const json = await readJsonFile(directory, 'config.json')
  const config: ModelConfig = readConfig(json, { kind })
  const family = modelFamily(config.modelType as string)
  const openWeights = await findWeights(directory)
  const tokenizer = await loadTokenizer(directory, { maxLength: family.maxLength(config) })
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new CheckpointError({
      function: 'loadCheckpoint',
      argument: directory,
      expected: `a checkpoint whose tokenizer has at most the ${config.vocabSize} tokens of config.json`,
      received: `${tokenizer.vocabSize}`,
      remedy: 'The tokenizer does not belong to the model: save or download both together.',
    })
  }
  const checkpoint = {
    kind: family.kind,
    config,
    family,
    tokenizer,
    generation: family.kind === 'encoder' ? {} : await readGeneration(directory, config),
    source,
    async loadParameters(task: Task, options: LoadParametersOptions) {
      const weights = await openWeights()
      try {
        return await readParameters({ weights, config, source }, task, options)
      } finally {
        await weights.close()
      }
    },
  }
  return checkpoint as unknown as Checkpoint<K>
}

/** Older checkpoints say it in config.json. */
async function readGeneration(directory: string, config: ModelConfig): Promise<Partial<GenerationConfig>> {
  const isThere = (await readdir(directory)).includes('generation_config.json')
  const json = isThere ? await readJsonFile(directory, 'generation_config.json') : config.source
  return parseGenerationConfig(json as Record<string, unknown>)
}

async function readJsonFile(directory: string, name: string): Promise<unknown> {
  const file = join(directory, name)
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new CheckpointError({
      function: 'loadCheckpoint',
      argument: file,
      expected: 'a JSON file',
      received: isMissing ? 'missing' : String(cause),
      remedy:
        'Choose a directory in the Hugging Face layout: config.json, tokenizer.json, model.safetensors.',
      cause,
    })
  }
}
