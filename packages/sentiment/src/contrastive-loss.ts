import { unitLength } from '@tfx/core'
import { tf } from '@tfx/compiler'

/**
 * Draws texts of one class together and others apart: the squared distance of each pair's cosine from 1 if both are of one
 * class, else from 0, over all pairs of a batch. It is `CosineSimilarityLoss` of sentence-transformers on as many pairs of
 * either kind, as SetFit draws them (Tunstall et al. 2022, [Efficient Few-Shot Learning Without
 * Prompts](https://arxiv.org/abs/2209.11055)).
 *
 * @param embedding float32 [batch, hidden]
 * @param labels int32 [batch]
 * @returns The mean over the pairs of one class and the mean over the others, averaged; a kind without pairs counts 0.
 */
export function contrastiveLoss(embedding: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  const direction = unitLength(embedding)
  const cosine = tf.matMul(direction, direction, false, true)
  const same = tf.cast(tf.equal(tf.expandDims(labels, 1), tf.expandDims(labels, 0)), 'float32')
  const distance = tf.square(tf.sub(cosine, same))
  // A text with itself is no pair: its distance is 0, so that it only counts in the number of pairs.
  const texts = tf.sum(tf.onesLike(tf.cast(labels, 'float32')))
  const pairsOfOne = tf.sub(tf.sum(same), texts)
  const mean = (of: tf.Tensor, pairs: tf.Tensor) => tf.div(tf.sum(tf.mul(distance, of)), tf.maximum(pairs, 1))
  const other = tf.sub(1, same)
  return tf.mul(0.5, tf.add(mean(same, pairsOfOne), mean(other, tf.sum(other))))
}
