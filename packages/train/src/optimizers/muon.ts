import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { checkFlags, checkNoOthers, checkOneOf } from '../check-options'
import { movedAverage } from './adam-family'
import { checkLists, checkNotNegative, checkRates, checkWhole } from './check'
import { type Coefficients, newtonSchulz, newtonSchulzInPlace } from './newton-schulz'
import { defineOptimizer, type Optimizer } from './optimizer'

/** Options of {@link muon}. */
export interface MuonOptions {
  /** What remains of the average of gradients. Default 0.95. */
  momentum?: number
  /** Nesterov's momentum. Default true. */
  nesterov?: boolean
  /** Decoupled. Default 0.1. */
  weightDecay?: number
  /** Of the quintic that brings singular values to 1. Default [3.4445, −4.775, 2.0315]. */
  coefficients?: Coefficients
  /** Default 5. */
  iterations?: number
  /** The least norm that is divided by. Default 1e-7. */
  epsilon?: number
  /**
   * How the rate depends on the size of a matrix: `original` multiplies by √max(1, rows / columns), `matchAdamW` by
   * 0.2 √max(rows, columns), which lets AdamW's rate and decay be used. Default `original`.
   */
  adjustment?: 'original' | 'matchAdamW'
}

/**
 * Muon: momentum whose matrix is orthogonalized before the step (Jordan et al., https://kellerjordan.github.io/posts/muon),
 * to the formula of torch.optim.Muon; torch computes the orthogonalization in bfloat16, this in float32.
 *
 * It is for the hidden matrices of a network; embeddings, the output layer, biases and norms want AdamW, which
 * {@link combineOptimizers} arranges. In WebAssembly its products take one thread: it is meant for a GPU, or small models.
 *
 * @throws ArgumentError on a momentum outside [0, 1), a negative number; in an update if a parameter is no matrix.
 *
 * @example
 * ```ts
 * const optimizer = combineOptimizers([
 *   { optimizer: muon({ adjustment: 'matchAdamW' }), matches: isHiddenMatrix },
 *   { optimizer: adamW({ weightDecay: 0.1 }) },
 * ])
 * ```
 */
export function muon({
  momentum = 0.95,
  nesterov = true,
  weightDecay = 0.1,
  coefficients = [3.4445, -4.775, 2.0315],
  iterations = 5,
  epsilon = 1e-7,
  adjustment = 'original',
  ...others
}: MuonOptions = {}): Optimizer {
  checkNoOthers('muon', others)
  checkRates('muon', { momentum })
  checkNotNegative('muon', { weightDecay, epsilon })
  checkWhole('muon', { iterations })
  checkLists('muon', { coefficients }, { length: 3 })
  checkFlags('muon', { nesterov })
  checkOneOf('muon', { adjustment }, ['original', 'matchAdamW'])
  const options = { coefficients, iterations, epsilon }
  const adjust = (rate: number, [rows, columns]: readonly [number, number]) =>
    rate *
    (adjustment === 'original'
      ? Math.sqrt(Math.max(1, rows / columns))
      : 0.2 * Math.sqrt(Math.max(rows, columns)))

  return defineOptimizer({
    name: 'muon',
    settings: { momentum, nesterov, adjustment, ...options },
    slots: ['momentumBuffer'],
    weightDecay,
    rule({ value, gradient, momentumBuffer }, { learningRate, weightDecay, gradientScale }) {
      const size = matrixSize(value.shape)
      const scaled = tf.mul(gradient, gradientScale)
      const moved = movedAverage(momentumBuffer, scaled, momentum)
      const direction = nesterov ? movedAverage(moved, scaled, momentum) : moved
      const step = tf.mul(newtonSchulz(direction as tf.Tensor2D, options), adjust(learningRate, size))
      return { value: tf.sub(tf.mul(value, 1 - learningRate * weightDecay), step), momentumBuffer: moved }
    },
    fused({ kernels, memory, offsets, length, shape, name }, settings) {
      const { learningRate, weightDecay, gradientScale } = settings
      const size = matrixSize(shape, name)
      kernels.blend(
        offsets.momentumBuffer,
        offsets.gradient,
        length,
        momentum,
        (1 - momentum) * gradientScale,
      )
      const direction = new Float32Array(memory.buffer, offsets.momentumBuffer, length).slice()
      if (nesterov) {
        const gradient = new Float32Array(memory.buffer, offsets.gradient, length)
        const share = (1 - momentum) * gradientScale
        for (let i = 0; i < length; i++) direction[i] = momentum * direction[i]! + share * gradient[i]!
      }
      newtonSchulzInPlace(direction, size, options)
      const value = new Float32Array(memory.buffer, offsets.value, length)
      const [keep, stepSize] = [1 - learningRate * weightDecay, adjust(learningRate, size)]
      for (let i = 0; i < length; i++) value[i] = keep * value[i]! - stepSize * direction[i]!
    },
  })
}

/**
 * Whether a parameter is one that {@link muon} is for: a matrix between hidden layers, by its Hugging Face name neither
 * an embedding nor an output layer.
 */
export function isHiddenMatrix(name: string, shape: readonly number[]): boolean {
  return (
    shape.length === 2 && !/embed|(?:^|\.)(?:shared|wte|wpe|lm_head|classifier|score|qa_outputs)\./.test(name)
  )
}

function matrixSize(shape: readonly number[], name = 'a parameter'): readonly [number, number] {
  if (shape.length === 2) return [shape[0]!, shape[1]!]
  throw new ArgumentError({
    function: 'muon.update',
    argument: 'names',
    expected: 'the names of matrices',
    received: `'${name}' of shape [${shape.join(', ')}]`,
    remedy:
      'Give the others to another optimizer: combineOptimizers([{ optimizer: muon(), matches: isHiddenMatrix }, …]).',
  })
}
