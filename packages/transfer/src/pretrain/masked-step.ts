import { linear, softmaxCrossEntropy, type StepFunction } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { type EncoderFamily, type ModelRun, unitLength } from '@tfx/core'

/** The matrix [teacher size, hidden] that is trained beside the model, and thrown away afterwards. */
export const projectionName = 'distillation.projection.weight'

/** Inputs of a masked language modelling step. */
export const maskedInputs = {
  inputIds: { shape: ['batch', 'sequence'], dtype: 'int32' },
  attentionMask: { shape: ['batch', 'sequence'], dtype: 'int32' },
  maskedPositions: { shape: ['masked'], dtype: 'int32' },
  labels: { shape: ['masked'], dtype: 'int32' },
} as const

/** The step of masked language modelling, with a distillation loss beside it where there is a teacher. */
export function maskedLanguageModelStep(
  family: EncoderFamily,
  run: ModelRun,
  { maskedWeight, distillationWeight }: { maskedWeight: number; distillationWeight: number },
): StepFunction {
  return ({ inputs, parameters }) => {
    const { inputIds, attentionMask, maskedPositions, labels, targets } = inputs as Record<string, tf.Tensor>
    const encoder = { inputIds: inputIds!, attentionMask: attentionMask! }
    const hidden = family.backbone(parameters, encoder, run)
    const logits = family.maskedLanguageModelHead(parameters, hidden, { ...run, maskedPositions })
    const maskedLoss = softmaxCrossEntropy(logits, labels!)
    if (!targets) return { loss: maskedLoss }
    // The pooled output, which is what a classifier will read.
    const pooled = family.pooledOutput(parameters, hidden, run.config)
    const projected = unitLength(linear(pooled, parameters[projectionName] as tf.Tensor))
    // Unit vectors: the mean of 1 − cosine.
    const similarity = tf.sum(tf.mul(projected, targets), -1)
    const distillationLoss = tf.sub(1, tf.mean(similarity))
    const loss = tf.add(tf.mul(maskedLoss, maskedWeight), tf.mul(distillationLoss, distillationWeight))
    return { loss, maskedLoss, distillationLoss }
  }
}
