import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { randomNumbers } from './random'

/**
 * Dropout (Srivastava et al. 2014): zeroes elements with probability `rate` and scales the others by 1/(1 - rate).
 *
 * The mask is decided by the seed of the run and the position of the call in the step, on every
 * engine alike. A rate of 0 returns x itself.
 *
 * @param rate The probability to drop an element, in [0, 1); it is kept to 1/65536.
 * @throws ArgumentError on another rate.
 * @throws EngineError outside a compiled step, or in a run without a seed.
 */
export function dropout(x: tf.Tensor, rate: number): tf.Tensor {
  return rate === 0 ? x : tf.mul(x, mask(x.shape, rate, 'dropout'))
}

/**
 * Stochastic depth (Huang et al., [Deep networks with stochastic depth](https://arxiv.org/abs/1603.09382)): leaves a residual
 * branch out for whole rows of the batch with probability `rate`, and scales it by 1/(1 - rate) for the others, as
 * `torchvision.ops.stochastic_depth` does by `row`. The rows are decided as by {@link dropout}.
 *
 * @param branch What is about to be added to a residual, [batch, …].
 * @param rate The probability to leave it out, in [0, 1); it is kept to 1/65536. With 0 it is returned as it is.
 * @throws ArgumentError, EngineError as {@link dropout}.
 *
 * @example
 * ```ts
 * const y = tf.add(x, stochasticDepth(layer(x), 0.1))
 * ```
 */
export function stochasticDepth(branch: tf.Tensor, rate: number): tf.Tensor {
  const [batch = 1, ...rest] = branch.shape
  return rate === 0 ? branch : tf.mul(branch, mask([batch, ...rest.map(() => 1)], rate, 'stochasticDepth'))
}

/**
 * Random numbers uniform in [-1, 1], other ones in every run and for every call in it; decided as the masks of
 * {@link dropout}.
 *
 * @throws EngineError outside a compiled step, or in a run without a seed.
 */
export function uniformNoise(shape: readonly number[]): tf.Tensor {
  return randomNumbers(shape, { kind: 'uniform' }, 'uniformNoise')
}

function mask(shape: readonly number[], rate: number, caller: string): tf.Tensor {
  if (!(rate > 0 && rate < 1)) throw badRate(rate, caller)
  return randomNumbers(shape, { kind: 'mask', rate }, caller)
}

const badRate = (rate: number, caller: string) =>
  new ArgumentError({
    function: caller,
    argument: 'rate',
    expected: 'at least 0 and below 1',
    received: String(rate),
    remedy:
      caller === 'dropout'
        ? 'Pass the probability to drop an element, for instance 0.1.'
        : 'Pass the probability to leave the branch out, for instance 0.1.',
  })
