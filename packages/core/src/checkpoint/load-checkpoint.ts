import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import type { EncoderConfig, Task } from '../config/encoder-config'
import { readConfig } from '../config/read-config'
import { modelFamily } from '../models'
import type { ModelFamily } from '../models/model-family'
import { loadTokenizer, type Tokenizer } from '../tokenizer'
import { readParameters, type LoadParametersOptions, type LoadReport } from './load-parameters'
import { findWeights } from './weights-file'

/** A model on disk: everything but the weights is in memory. */
export interface Checkpoint {
  readonly config: EncoderConfig
  readonly family: ModelFamily
  readonly tokenizer: Tokenizer
  /** Where it came from, for people. */
  readonly source: string
  /**
   * Reads the weights of a task's model, one tensor at a time. The head is taken over where the checkpoint has it
   * for as many labels; otherwise it is new, and the report says so.
   *
   * @throws CheckpointError if the files are malformed, a parameter of the backbone is missing, or a shape is wrong.
   */
  loadParameters(task: Task, options: LoadParametersOptions): Promise<LoadReport>
}

/**
 * Opens a Hugging Face directory: config.json, a tokenizer, and the weights: `model.safetensors`, else
 * `pytorch_model.bin`, or the shards of either.
 *
 * @param directory What `save_pretrained`, `saveCheckpoint` or `resolveBase` left.
 * @param options `source`: how to name it in messages. Default: the directory.
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
export async function loadCheckpoint(
  directory: string,
  { source = directory }: { source?: string } = {},
): Promise<Checkpoint> {
  const config = readConfig(await readConfigFile(directory))
  const openWeights = await findWeights(directory)
  const family = modelFamily(config.modelType)
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
  return {
    config,
    family,
    tokenizer,
    source,
    async loadParameters(task, options) {
      const weights = await openWeights()
      try {
        return await readParameters({ weights, config, source }, task, options)
      } finally {
        await weights.close()
      }
    },
  }
}

async function readConfigFile(directory: string): Promise<unknown> {
  const file = join(directory, 'config.json')
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
