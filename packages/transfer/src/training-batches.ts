import { mixSeed } from '@tfx/common'
import { batches, shuffledBatches, weightedSample } from '@tfx/data'
import type { Augmentation, TrainingBatch } from '@tfx/train'
import { augmentExamples } from './augment-examples'
import type { TextInput } from './head'
import type { EncodedExample, TaskBatch } from './task'

/** How training batches are put together. */
export interface TrainingBatchesOptions<Encoded> {
  readonly collate: (encoded: readonly Encoded[]) => TaskBatch
  /** What the loss of some examples is a mean over. */
  readonly batchWeight: (encoded: readonly Encoded[]) => number
  readonly lengthOf: (encoded: Encoded) => number
  /** Draw each example with this weight. Default: each once. */
  readonly sampleWeights?: readonly number[] | undefined
  readonly batchSize: number
  readonly batching: 'length' | 'random'
  readonly seed: number
  /** Changes the texts, anew each epoch; only of examples that have texts. */
  readonly augmentation?: Augmentation | undefined
  /** Tokenizes what has changed, cut where it has become too long. */
  readonly encodeChanged: (examples: readonly TextInput[]) => Promise<Encoded[]>
}

/** The batches of an epoch, drawn, augmented and collated one at a time; by the lengths of the texts as they were given. */
export async function* trainingBatches<Encoded extends EncodedExample<unknown>>(
  all: readonly Encoded[],
  options: TrainingBatchesOptions<Encoded>,
  epoch: number,
): AsyncGenerator<TrainingBatch> {
  const { batchSize, batching, seed, augmentation, lengthOf, sampleWeights, ...task } = options
  const encoded =
    sampleWeights === undefined
      ? all
      : weightedSample(sampleWeights, { seed: mixSeed(seed, 2), epoch }).map((index) => all[index]!)
  const order =
    batching === 'random'
      ? shuffledBatches(encoded, { batchSize, seed, epoch })
      : batches(encoded, { batchSize, seed, epoch, lengthOf })
  for (const indices of order) {
    const chosen =
      augmentation === undefined
        ? indices.map((index) => encoded[index]!)
        : await augmentExamples(encoded, indices, {
            ...task,
            augmentation,
            seed,
            epoch,
          })
    const { inputs, tokens } = task.collate(chosen)
    yield { inputs, examples: indices.length, tokens, weight: task.batchWeight(chosen) }
  }
}
