import type { StepFunction } from '@tfx/backend'
import { createRandom, mixSeed } from '@tfx/common'
import { causalLanguageModelLoss, type DecoderConfig, modelFamily } from '@tfx/core'
import { tf } from '@tfx/compiler'
import { collate, padRows } from '@tfx/data'
import type { TrainingBatch } from '@tfx/train'
import { chunks } from './chunks'
import type { Objective } from './objective'
import { endOfText, type ResolvedPretrainOptions, requireSomeText } from './options'
import { encodeWhole, packBlocks } from './packing'

/** Prediction of the next token in packed text: in every epoch the texts are joined in another order. */
export function nextTokenObjective(settings: ResolvedPretrainOptions<DecoderConfig>): Objective {
  const { config, tokenizer, texts, heldOut, batchSize, maxLength, seed } = settings
  const end = endOfText(config)
  const encodings = encodeWhole(texts, { tokenizer, end })
  const heldOutEncodings = requireSomeText(encodeWhole(heldOut, { tokenizer, end }), 'heldOut')
  requireSomeText(encodings, 'texts')
  const batchesOf = function* (sequences: Iterable<Int32Array>): Generator<TrainingBatch> {
    for (const blocks of chunks(packBlocks(sequences, maxLength), batchSize))
      yield nextTokenBatch(blocks, tokenizer.padTokenId)
  }
  const tokens = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  return {
    task: 'causal-language-modelling',
    inputs: () => ({ inputIds: tokens, attentionMask: tokens, labels: tokens }),
    step: (training) => nextTokenStep(config, training),
    batches: (epoch) => batchesOf(createRandom(mixSeed(seed, epoch)).shuffle(encodings)),
    heldOut: [...batchesOf(heldOutEncodings)],
  }
}

/** A batch of blocks: every token but the first of its block is to be predicted. */
export function nextTokenBatch(blocks: readonly Int32Array[], padTokenId: number): TrainingBatch {
  const { inputIds, attentionMask, lengths } = collate(
    blocks.map((block) => ({ inputIds: block })),
    { padTokenId },
  )
  const tokens = lengths.reduce((sum, length) => sum + length, 0)
  return {
    inputs: { inputIds, attentionMask, labels: padRows(blocks, { fill: -100 }) },
    examples: blocks.length,
    tokens,
    weight: tokens - blocks.length,
  }
}

function nextTokenStep(config: DecoderConfig, training: boolean): StepFunction {
  const family = modelFamily(config.modelType)
  const run = { config, training }
  return ({ inputs, parameters }) => {
    const { inputIds, attentionMask, labels } = inputs as Record<
      'inputIds' | 'attentionMask' | 'labels',
      tf.Tensor
    >
    const { hidden } = family.backbone(parameters, { inputIds, attentionMask }, run)
    const rows = tf.reshape(hidden, [-1, config.hiddenSize])
    return { loss: causalLanguageModelLoss(family.languageModelHead(parameters, rows, run), labels) }
  }
}
