import { type InputSpec, type NamedTensors, softmaxCrossEntropy } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { type DecoderConfig, modelFamily, nextTokenLabels, type Parameters } from '@tfx/core'

const tokens: InputSpec = { shape: ['batch', 'sequence'], dtype: 'int32' }

/** Two answers each: their tokens, which of them are there, and their labels. */
export const likelihoodInputs: Record<string, InputSpec> = {
  chosenIds: tokens,
  chosenMask: tokens,
  chosenLabels: tokens,
  rejectedIds: tokens,
  rejectedMask: tokens,
  rejectedLabels: tokens,
}

/** Two answers each, and how likely the base finds them. */
export const preferenceInputs: Record<string, InputSpec> = {
  ...likelihoodInputs,
  chosenReference: { shape: ['batch'] },
  rejectedReference: { shape: ['batch'] },
}

/**
 * The sums of the log-probabilities of the labels of both answers.
 *
 * @param inputs Those of {@link likelihoodInputs}.
 * @returns Each float32 [batch].
 */
export function answerLikelihoods(
  parameters: Parameters,
  inputs: NamedTensors,
  run: { config: DecoderConfig; training: boolean },
): { chosen: tf.Tensor; rejected: tf.Tensor } {
  const both = (part: string) => tf.concat([inputs[`chosen${part}`]!, inputs[`rejected${part}`]!], 0)
  const family = modelFamily(run.config.modelType)
  const given = { inputIds: both('Ids'), attentionMask: both('Mask') }
  const { hidden } = family.backbone(parameters, given, run)
  const [rows, sequence, size] = hidden.shape as [number, number, number]
  const scores = family.languageModelHead(parameters, tf.reshape(hidden, [rows * sequence, size]), run)
  const losses = softmaxCrossEntropy(scores, nextTokenLabels(both('Labels')), { reduction: 'none' })
  const sums = tf.neg(tf.sum(tf.reshape(losses, [rows, sequence]), 1))
  const [batch] = inputs.chosenIds!.shape as [number]
  return { chosen: tf.slice(sums, [0], [batch]), rejected: tf.slice(sums, [batch], [batch]) }
}

/**
 * The loss of direct preference optimization, −log σ(β · margin): the margin is by how much more than the base the model
 * prefers the chosen answer (Rafailov et al. 2023, arXiv:2305.18290, equation 7).
 *
 * @returns A scalar: the mean over the pairs.
 */
export function preferenceLoss(
  parameters: Parameters,
  inputs: NamedTensors,
  { beta, ...run }: { config: DecoderConfig; training: boolean; beta: number },
): tf.Tensor {
  const { chosen, rejected } = answerLikelihoods(parameters, inputs, run)
  const gained = tf.sub(chosen, inputs.chosenReference!)
  const margin = tf.mul(tf.sub(gained, tf.sub(rejected, inputs.rejectedReference!)), beta)
  return tf.mean(tf.softplus(tf.neg(margin)))
}
