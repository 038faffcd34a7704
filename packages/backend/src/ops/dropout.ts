import { ArgumentError, EngineError } from '@tfx/common'
import { isTracing, tf } from '@tfx/compiler'
import type { DropoutMasks } from '../dropout-masks'

let eagerRun: { seed: number | undefined; masks: DropoutMasks; count: number } | undefined

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
  if (rate === 0) return x
  if (!(rate > 0 && rate < 1)) throw badRate(rate)
  if (isTracing()) {
    const mask = tf.engine().runKernel<tf.Tensor>('TfxDropoutMask', {}, { shape: x.shape, rate })
    return tf.mul(x, mask)
  }
  if (eagerRun === undefined) throw outsideOfStep()
  if (eagerRun.seed === undefined) throw missingSeed()
  const request = { shape: x.shape, rate, index: eagerRun.count++ }
  const [mask] = eagerRun.masks.fill([request], eagerRun.seed) as [Float32Array]
  return tf.mul(x, tf.tensor(mask.slice(), x.shape))
}

/** Runs a step eagerly with the masks of a seed. */
export function withDropoutSeed<T>(seed: number | undefined, masks: DropoutMasks, run: () => T): T {
  const outer = eagerRun
  eagerRun = { seed, masks, count: 0 }
  try {
    return run()
  } finally {
    eagerRun = outer
  }
}

const badRate = (rate: number) =>
  new ArgumentError({
    function: 'dropout',
    argument: 'rate',
    expected: 'at least 0 and below 1',
    received: String(rate),
    remedy: 'Pass the probability to drop an element, for instance 0.1.',
  })

const outsideOfStep = () =>
  new EngineError({
    function: 'dropout',
    received: 'called outside of a compiled step',
    remedy: 'Compile the function by an engine and pass { seed } to run: masks are made from the seed.',
  })

/** The error of a run that needs a seed and got none. */
export function missingSeed(): EngineError {
  return new EngineError({
    function: 'run',
    argument: 'seed',
    expected: 'given, since the step uses dropout',
    received: 'undefined',
    remedy: 'Pass { seed } to run, or compile the step without dropout for evaluation.',
  })
}
