import type { ParameterStore } from '@tfx/backend'
import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { checkNumber } from './check-numbers'
import { kernelsOf } from './kernels'
import { checkSlots } from './slots'

/** How gradients are kept from growing too large. */
export interface GradientClipping {
  /**
   * `norm`: the L2 norm of all gradients together (`clip_grad_norm_`). `value`: each element (`clip_grad_value_`).
   * `parameter`: the L2 norm of each parameter's gradient. `adaptive`: the norm of each row, relative to that of the
   * row's weights (AGC, Brock et al., https://arxiv.org/abs/2102.06171); 0.01 is usual.
   */
  readonly by: 'norm' | 'value' | 'parameter' | 'adaptive'
  /** The largest that is allowed; 0 turns clipping off. */
  readonly maximum: number
}

const ways: readonly string[] = ['norm', 'value', 'parameter', 'adaptive'] satisfies GradientClipping['by'][]

/** @throws ArgumentError on a way that there is not, or a maximum that cannot be meant. */
export function checkClipping(caller: string, { by, maximum }: GradientClipping): void {
  checkNumber(caller, { 'clipping.maximum': maximum }, { least: 0 })
  if (ways.includes(by)) return
  throw new ArgumentError({
    function: caller,
    argument: 'clipping.by',
    expected: `one of ${ways.join(', ')}`,
    received: `'${String(by)}'`,
    remedy: 'Leave clipping out to clip the global norm.',
  })
}

/**
 * The factor that clips a gradient of this norm: min(1, maximum / (norm + 1e-6)), as
 * torch.nn.utils.clip_grad_norm_. Pass it on as an optimizer's `gradientScale`.
 *
 * @param maximum The largest norm allowed; 0 turns clipping off.
 */
export function clipCoefficient(norm: number, maximum: number): number {
  return maximum === 0 ? 1 : Math.min(1, maximum / (norm + 1e-6))
}

/**
 * Clips each gradient for itself, in place.
 *
 * @param options `by` and `maximum` as in {@link GradientClipping}; `slot`: default `gradient`.
 * @throws ArgumentError if the store lacks the slot.
 *
 * @example
 * ```ts
 * clipEach(store, parameters, { by: 'value', maximum: 0.5 })
 * ```
 */
export function clipEach(
  store: ParameterStore,
  names: readonly string[],
  { by, maximum, slot = 'gradient' }: EachClipping,
): void {
  checkSlots('clipEach', store, [slot])
  if (maximum === 0) return
  for (const name of names) {
    if (store.kind === 'memory') {
      const { memory, offsets, lengths } = store.block(name)
      const array = { kernels: kernelsOf(memory), offset: offsets[slot]!, length: lengths[slot]! }
      if (by === 'value') array.kernels.clamp(array.offset, array.length, maximum)
      else
        clipRows(array, {
          value: by === 'adaptive' ? offsets.value! : undefined,
          maximum,
          rows: rowsOf(by, store.shapes[name]!),
        })
    } else {
      const gradient = store.tensor(name, slot)
      store.replace(
        name,
        tf.tidy(() => clipTensor(gradient, { by, maximum, value: store.tensor(name) })),
        slot,
      )
    }
  }
}

/** Options of {@link clipEach}. */
export interface EachClipping {
  readonly by: Exclude<GradientClipping['by'], 'norm'>
  readonly maximum: number
  readonly slot?: string
}

/** A unit is a row of a matrix, which makes one output; a vector is one unit, as in timm. */
const rowsOf = (by: EachClipping['by'], shape: readonly number[]) =>
  by === 'adaptive' && shape.length > 1 ? shape[0]! : 1

// A row of zeros must be able to start moving.
const leastWeightNorm = 1e-3
const leastGradientNorm = 1e-6

function clipRows(
  { kernels, offset, length }: { kernels: ReturnType<typeof kernelsOf>; offset: number; length: number },
  { value, maximum, rows }: { value: number | undefined; maximum: number; rows: number },
): void {
  const width = length / rows
  for (let row = 0; row < rows; row++) {
    const start = offset + 4 * row * width
    const norm = Math.sqrt(kernels.sumOfSquares(start, width))
    let factor: number
    if (value === undefined) factor = clipCoefficient(norm, maximum)
    else {
      const weights = Math.sqrt(kernels.sumOfSquares(value + 4 * row * width, width))
      const most = Math.max(weights, leastWeightNorm) * maximum
      factor = norm > most ? most / Math.max(norm, leastGradientNorm) : 1
    }
    if (factor < 1) kernels.setScaled(start, start, width, factor)
  }
}

function clipTensor(
  gradient: tf.Tensor,
  { by, maximum, value }: { by: EachClipping['by']; maximum: number; value: tf.Tensor },
): tf.Tensor {
  if (by === 'value') return tf.clipByValue(gradient, -maximum, maximum)
  if (by === 'parameter') {
    const factor = tf.div(maximum, tf.add(tf.norm(gradient), 1e-6))
    return tf.mul(gradient, tf.minimum(factor, 1))
  }
  const axes = gradient.rank > 1 ? gradient.shape.map((_, axis) => axis).slice(1) : undefined
  const normOf = (x: tf.Tensor) => tf.sqrt(tf.sum(tf.square(x), axes, true))
  const most = tf.mul(tf.maximum(normOf(value), leastWeightNorm), maximum)
  const norm = normOf(gradient)
  const factor = tf.div(most, tf.maximum(norm, leastGradientNorm))
  return tf.mul(gradient, tf.where(tf.greater(norm, most), factor, tf.onesLike(factor)))
}
