import { DataError } from '@tfx/common'
import { type EncoderConfig, modelFamily } from '@tfx/core'
import { maskedBatches, type MaskedBatchesOptions } from './masked-batches'
import { maskedInputs, maskedLanguageModelStep, projectionName } from './masked-step'
import type { Objective } from './objective'
import type { ResolvedPretrainOptions } from './options'
import { maskingVocabulary } from './vocabulary'

/** Masked language modelling of whole words, beside the distillation of a teacher where there is one. */
export function maskedObjective(settings: ResolvedPretrainOptions<EncoderConfig>): Objective {
  const { config, tokenizer, distillation, maskRate, batchSize, seed, texts, heldOut } = settings
  const family = modelFamily(config.modelType)
  const options: MaskedBatchesOptions = {
    vocabulary: maskingVocabulary(tokenizer, config.vocabSize),
    padTokenId: tokenizer.padTokenId,
    maskRate,
    batchSize,
    seed,
    encodings: encode(texts, settings),
    targets: distillation,
  }
  const weights = {
    maskedWeight: distillation?.maskedWeight ?? 1,
    distillationWeight: distillation?.weight ?? 1,
  }
  return {
    task: 'pretraining',
    ...(distillation && {
      companions: {
        [projectionName]: { shape: [distillation.size, config.hiddenSize], initialize: 'normal' },
      },
    }),
    inputs: (training) => ({
      ...maskedInputs,
      ...(training && distillation && { targets: { shape: ['batch', distillation.size] } }),
    }),
    step: (training) => maskedLanguageModelStep(family, { config, training }, weights),
    batches: (epoch) => maskedBatches(options, epoch),
    heldOut: heldOutBatches({ ...options, encodings: encode(heldOut, settings) }),
  }
}

/** The same words are hidden at every evaluation. */
function heldOutBatches(options: MaskedBatchesOptions): Objective['heldOut'] {
  const batches = [...maskedBatches({ ...options, seed: 0, targets: undefined }, 0)]
  const usable = batches.filter(({ weight }) => weight > 0)
  if (usable.length > 0) return usable
  throw new DataError({
    function: 'pretrain',
    argument: 'heldOut',
    expected: 'texts with words in them',
    received: 'only blank ones',
    remedy: 'Pass some sentences of the same kind as texts.',
  })
}

const encode = (texts: readonly string[], { tokenizer, maxLength }: ResolvedPretrainOptions) =>
  tokenizer.encodeBatch(texts, { maxLength }).map(({ inputIds }) => Int32Array.from(inputIds))
