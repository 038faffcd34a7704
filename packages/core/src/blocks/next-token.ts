import { softmaxCrossEntropy } from '@tfx/backend'
import { tf } from '@tfx/compiler'

/** Rows with this label count for nothing. */
const ignored = -100

/**
 * What each token of a language model is to predict: the label of the token behind it. The last one predicts nothing.
 *
 * @param labels int32 [batch, sequence]: the tokens themselves, −100 where nothing is to be learned.
 * @returns int32 [batch · sequence]
 */
export function nextTokenLabels(labels: tf.Tensor): tf.Tensor {
  const [batch, sequence] = labels.shape as [number, number]
  const nothing = tf.fill([batch, 1], ignored, 'int32')
  const next = tf.concat([tf.slice(labels, [0, 1], [batch, sequence - 1]), nothing], 1)
  return tf.reshape(next, [batch * sequence])
}

/**
 * The loss of a language model, as `ForCausalLM` of Hugging Face transformers computes it: the mean over all tokens
 * that predict something.
 *
 * @param scores float32 [batch · sequence, vocabulary], of every token
 * @param labels int32 [batch, sequence], not shifted; −100 counts for nothing
 * @returns A scalar.
 */
export function causalLanguageModelLoss(scores: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  return softmaxCrossEntropy(scores, nextTokenLabels(labels), { ignoreIndex: ignored })
}
