import type { InputSpec } from '@tfx/backend'
import { DataError, type HostTensor, mixSeed } from '@tfx/common'
import { type EncoderConfig, modelFamily, type Tokenizer } from '@tfx/core'
import { batches, collate, type Encoding, shuffledBatches, weightedSample } from '@tfx/data'
import type { Augmentation, TrainingBatch } from '@tfx/train'
import { augmentExamples } from './augment-examples'
import type { TaskHead, TextInput } from './head'

/** An example with its tokens. */
export interface EncodedExample<Example> {
  readonly example: Example
  readonly encoding: Encoding
}

/** How texts are turned into tokens. */
export interface EncodeOptions {
  readonly tokenizer: Tokenizer
  readonly maxLength: number
  readonly truncation: boolean
  /** The public function to name in errors. */
  readonly caller: string
}

/**
 * Tokenizes examples.
 *
 * @throws DataError if texts are longer than `maxLength` and may not be cut.
 */
export function encodeExamples<Example extends TextInput>(
  examples: readonly Example[],
  { tokenizer, maxLength, truncation, caller }: EncodeOptions,
): EncodedExample<Example>[] {
  const tooLong: number[] = []
  const encoded = examples.map((example, index) => {
    const { truncated, ...encoding } = tokenizer.encode(example.text, example.textPair, { maxLength })
    if (truncated) tooLong.push(index)
    return { example, encoding }
  })
  if (tooLong.length === 0 || truncation) return encoded
  const [first] = tooLong
  throw new DataError({
    function: caller,
    argument: 'text',
    expected: `at most ${maxLength} tokens long, which is what the model takes`,
    received: `${tooLong.length} longer; the first is '${excerpt(examples[first!]!.text)}'`,
    remedy: 'Pass { truncation: true } to use their beginnings only, or shorten them.',
  })
}

const excerpt = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text)

/** The tensors of a batch that a model takes. */
export function modelInputs(
  encodings: readonly Encoding[],
  { tokenizer, config }: ModelInputOptions,
): { inputs: Record<string, HostTensor>; lengths: number[] } {
  const { inputIds, attentionMask, tokenTypeIds, lengths } = collate(encodings, {
    padTokenId: tokenizer.padTokenId,
  })
  const inputs: Record<string, HostTensor> = { inputIds, attentionMask }
  if (usesTokenTypes(config)) {
    const { shape } = inputIds
    inputs.tokenTypeIds = tokenTypeIds ?? {
      dtype: 'int32',
      shape,
      data: new Int32Array(inputIds.data.length),
    }
  }
  return { inputs, lengths }
}

interface ModelInputOptions {
  readonly tokenizer: Tokenizer
  readonly config: EncoderConfig
}

/** Whether a model takes the segment of each token. */
export const usesTokenTypes = (config: EncoderConfig): boolean => modelFamily(config.modelType).usesTokenTypes

/** The inputs of a model as a step declares them. */
export function modelInputSpecs(config: EncoderConfig): Record<string, InputSpec> {
  const spec = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  return { inputIds: spec, attentionMask: spec, ...(usesTokenTypes(config) && { tokenTypeIds: spec }) }
}

/** How training batches are put together. */
export interface TrainingBatchesOptions<Example extends TextInput> extends ModelInputOptions {
  readonly head: Pick<TaskHead<Example, unknown, never>, 'targets'>
  /** What the loss of some examples is a mean over. Default: their number. */
  readonly batchWeight?: ((examples: readonly Example[]) => number) | undefined
  /** Draw each example with this weight. Default: each once. */
  readonly sampleWeights?: readonly number[] | undefined
  readonly batchSize: number
  readonly batching: 'length' | 'random'
  readonly seed: number
  /** Changes the texts, anew each epoch. */
  readonly augmentation?: Augmentation | undefined
  readonly maxLength: number
}

/** The batches of an epoch, drawn, augmented and collated one at a time; by the lengths of the texts as they were given. */
export async function* trainingBatches<Example extends TextInput>(
  all: readonly EncodedExample<Example>[],
  options: TrainingBatchesOptions<Example>,
  epoch: number,
): AsyncGenerator<TrainingBatch> {
  const { batchSize, batching, seed, head, config, augmentation, batchWeight, sampleWeights } = options
  const encoded =
    sampleWeights === undefined
      ? all
      : weightedSample(sampleWeights, { seed: mixSeed(seed, 2), epoch }).map((index) => all[index]!)
  const order =
    batching === 'random'
      ? shuffledBatches(encoded, { batchSize, seed, epoch })
      : batches(encoded, { batchSize, seed, epoch, lengthOf: ({ encoding }) => encoding.inputIds.length })
  for (const indices of order) {
    const chosen =
      augmentation === undefined
        ? indices.map((index) => encoded[index]!)
        : await augmentExamples(encoded, indices, { ...options, augmentation, epoch })
    const { inputs, lengths } = modelInputs(
      chosen.map(({ encoding }) => encoding),
      options,
    )
    const examples = chosen.map(({ example }) => example)
    yield {
      inputs: { ...inputs, ...head.targets(examples, config) },
      examples: indices.length,
      tokens: lengths.reduce((sum, length) => sum + length, 0),
      weight: batchWeight?.(examples) ?? indices.length,
    }
  }
}
