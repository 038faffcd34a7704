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
import type { Tokenizer } from '../tokenizer'
import { readParameters, type LoadParametersOptions, type LoadReport } from './load-parameters'
import { findModelFiles } from './model-files'

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
  /** Encodes texts to be written: the same one, but for models (Marian) with pieces of each language's own. */
  readonly targetTokenizer: Tokenizer
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
 * `pytorch_model.bin`, or the shards of either. Or opens a GGUF file, which is all of that: of llama (and Mistral),
 * qwen2, qwen3, gemma2, gemma3, phi3 or gpt2, with a tokenizer of byte-level or SentencePiece's BPE.
 *
 * @param directory What `save_pretrained`, `saveCheckpoint` or `resolveBase` left; or a file `….gguf`, or a directory
 *   with one such file and no config.json (where a tokenizer.json beside it goes before its own tokenizer).
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
  const files = await findModelFiles(directory)
  const config: ModelConfig = readConfig(files.config, { kind })
  const family = modelFamily(config.modelType as string)
  const tokenizer = await files.loadTokenizer(family.maxLength(config))
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
    targetTokenizer: tokenizer.target ?? tokenizer,
    // Older checkpoints say it in config.json.
    generation:
      family.kind === 'encoder'
        ? {}
        : parseGenerationConfig((files.generation ?? config.source) as Record<string, unknown>),
    source,
    async loadParameters(task: Task, options: LoadParametersOptions) {
      const weights = await files.openWeights()
      try {
        return await readParameters({ weights, config, source }, task, options)
      } finally {
        await weights.close()
      }
    },
  }
  return checkpoint as unknown as Checkpoint<K>
}
