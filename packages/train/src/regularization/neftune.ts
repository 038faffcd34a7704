import { uniformNoise } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { checkNumber } from '../check-numbers'

/** Options of {@link noisyEmbeddings}. */
export interface NoisyEmbeddingsOptions {
  /** How loud the noise is; 5 to 15 are usual. 0 for none. */
  readonly alpha: number
  /** Numbers in [-1, 1] of the shape of the embeddings. Default: uniform ones that follow from the run's seed. */
  readonly noise?: tf.Tensor
}

/**
 * NEFTune (Jain et al., [Noisy embeddings improve instruction finetuning](https://arxiv.org/abs/2310.05914)): uniform noise of
 * α / √(L · d) at most on the embeddings of words, as `neftune_post_forward_hook` of Hugging Face transformers: L is the
 * length of the batch with its padding. For training only.
 *
 * @param words float32 [batch, L, d]
 * @throws ArgumentError on an alpha below 0, EngineError outside a compiled step.
 *
 * @example
 * ```ts
 * const hidden = family.backbone(parameters, { ...inputs, changeWords: (words) => noisyEmbeddings(words, { alpha: 5 }) }, run)
 * ```
 */
export function noisyEmbeddings(words: tf.Tensor, { alpha, noise }: NoisyEmbeddingsOptions): tf.Tensor {
  checkNumber('noisyEmbeddings', { alpha }, { least: 0 })
  if (alpha === 0) return words
  const [, length, size] = words.shape as [number, number, number]
  // A tensor, so that a trace keeps the length symbolic.
  const last = tf.cast(tf.max(tf.range(0, length, 1, 'int32')), 'float32')
  const loudness = tf.div(alpha, tf.sqrt(tf.mul(tf.add(last, 1), size)))
  return tf.add(words, tf.mul(noise ?? uniformNoise(words.shape), loudness))
}
