import { createRandom, mixSeed } from '@tfx/common'
import type { DecoderConfig } from '@tfx/core'
import type { TrainingBatch } from '@tfx/train'
import { chunks } from './chunks'
import type { Objective } from './objective'
import { endOfText, type ResolvedPretrainOptions } from './options'
import { encodeWhole, packBlocks } from './packing'
import { writingBatch, writingObjective } from './writing-objective'

/** Prediction of the next token in packed text: in every epoch the texts are joined in another order. */
export function nextTokenObjective(settings: ResolvedPretrainOptions<DecoderConfig>): Objective {
  const { config, tokenizer, batchSize, maxLength, seed } = settings
  const run = { tokenizer, end: endOfText(config) }
  const texts = encodeWhole(settings, 'texts', run)
  const batchesOf = function* (sequences: Iterable<Int32Array>): Generator<TrainingBatch> {
    for (const blocks of chunks(packBlocks(sequences, maxLength), batchSize)) {
      const examples = blocks.map((block) => ({ inputIds: block, labels: block }))
      yield writingBatch(examples, { padTokenId: tokenizer.padTokenId, isDecoder: true })
    }
  }
  return {
    ...writingObjective(config),
    batches: (epoch) => batchesOf(createRandom(mixSeed(seed, epoch)).shuffle(texts)),
    heldOut: [...batchesOf(encodeWhole(settings, 'heldOut', run))],
  }
}
