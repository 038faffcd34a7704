import { mixSeed } from '@tfx/common'
import { batches, shuffledBatches, weightedSample } from '@tfx/data'
import type { Augmentation, TrainingBatch } from '@tfx/train'
import { augmentExamples } from './augment-examples'
import { type EncodedExample, type ModelInputOptions, modelInputs } from './encode'
import type { TaskHead, TextInput } from './head'

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
