import { createRandom, type HostTensor, mixSeed } from '@tfx/common'
import { batches, collate } from '@tfx/data'
import type { TrainingBatch } from '@tfx/train'
import { maskWords, type MaskingVocabulary } from './masking'

/** Sentence embeddings of a teacher, one for each text. */
export interface DistillationTargets {
  /** The teacher's embedding size. */
  readonly size: number
  /** Row-major unit vectors [texts, size]. */
  readonly embeddings: Float32Array
}

/** What masked language modelling batches are made of. */
export interface MaskedBatchesOptions {
  /** Token ids of each text, with special tokens. */
  readonly encodings: readonly Int32Array[]
  readonly vocabulary: MaskingVocabulary
  readonly padTokenId: number
  readonly maskRate: number
  readonly batchSize: number
  readonly seed: number
  readonly targets?: DistillationTargets | undefined
}

/** The batches of one epoch: texts of like length together, masked anew in every epoch. */
export function* maskedBatches(options: MaskedBatchesOptions, epoch: number): Generator<TrainingBatch> {
  const { encodings, batchSize, seed } = options
  const random = createRandom(mixSeed(seed, epoch))
  const order = batches(encodings, { batchSize, seed, epoch, lengthOf: (encoding) => encoding.length })
  for (const indices of order) yield maskedBatch(indices, options, random)
}

function maskedBatch(
  indices: readonly number[],
  { encodings, vocabulary, padTokenId, maskRate, targets }: MaskedBatchesOptions,
  random: ReturnType<typeof createRandom>,
): TrainingBatch {
  const masked = indices.map((index) => maskWords(encodings[index]!, vocabulary, { rate: maskRate, random }))
  const { inputIds, attentionMask, lengths } = collate(masked, { padTokenId })
  const sequence = inputIds.shape[1]!
  const maskedPositions = vector(
    masked.flatMap(({ positions }, row) => positions.map((position) => row * sequence + position)),
  )
  const labels = vector(masked.flatMap((text) => [...text.labels]))
  return {
    inputs: {
      inputIds,
      attentionMask,
      maskedPositions,
      labels,
      ...(targets && { targets: rowsOf(targets, indices) }),
    },
    examples: indices.length,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    weight: labels.data.length,
  }
}

const vector = (values: readonly number[]): HostTensor<'int32'> => ({
  dtype: 'int32',
  shape: [values.length],
  data: Int32Array.from(values),
})

function rowsOf(
  { embeddings, size }: DistillationTargets,
  indices: readonly number[],
): HostTensor<'float32'> {
  const data = new Float32Array(indices.length * size)
  indices.forEach((index, row) => data.set(embeddings.subarray(index * size, (index + 1) * size), row * size))
  return { dtype: 'float32', shape: [indices.length, size], data }
}
