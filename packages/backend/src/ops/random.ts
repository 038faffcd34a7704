import { EngineError } from '@tfx/common'
import { isTracing, type RandomNumbers, tf } from '@tfx/compiler'
import type { RandomBuffer } from '../random-numbers'

let eagerRun: { seed: number | undefined; buffer: RandomBuffer; count: number } | undefined

/**
 * Random numbers, decided by the seed of the run and the position of the call in the step, on every engine alike.
 *
 * @param caller The public function to name in errors.
 * @throws EngineError outside a compiled step, or in a run without a seed.
 */
export function randomNumbers(shape: readonly number[], random: RandomNumbers, caller: string): tf.Tensor {
  if (isTracing()) {
    const kernel = random.kind === 'mask' ? 'TfxDropoutMask' : 'TfxUniform'
    return tf.engine().runKernel<tf.Tensor>(kernel, {}, { ...random, shape: [...shape] })
  }
  if (eagerRun === undefined) throw outsideOfStep(caller)
  if (eagerRun.seed === undefined) throw missingSeed()
  const request = { shape, random, index: eagerRun.count++ }
  const [numbers] = eagerRun.buffer.fill([request], eagerRun.seed) as [Float32Array]
  return tf.tensor(numbers.slice(), [...shape])
}

/** Runs a step eagerly with the random numbers of a seed. */
export function withSeed<T>(seed: number | undefined, buffer: RandomBuffer, run: () => T): T {
  const outer = eagerRun
  eagerRun = { seed, buffer, count: 0 }
  try {
    return run()
  } finally {
    eagerRun = outer
  }
}

const outsideOfStep = (caller: string) =>
  new EngineError({
    function: caller,
    received: 'called outside of a compiled step',
    remedy:
      'Compile the function by an engine and pass { seed } to run: its random numbers follow from the seed.',
  })

/** The error of a run that needs a seed and got none. */
export function missingSeed(): EngineError {
  return new EngineError({
    function: 'run',
    argument: 'seed',
    expected: 'given, since the step uses dropout or other random numbers',
    received: 'undefined',
    remedy: 'Pass { seed } to run, or compile the step without dropout for evaluation.',
  })
}
