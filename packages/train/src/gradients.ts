import type { MemoryBlock, ParameterStore } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { kernelsOf } from './kernels'
import { checkSlots } from './slots'

/**
 * The L2 norm over all elements of one slot of some parameters, as if they were one vector; what
 * torch.nn.utils.clip_grad_norm_ measures.
 *
 * The squares are summed in float64 on a store in memory, so the norm is not finite if and only if some
 * element is not.
 *
 * @param slot Default `gradient`.
 * @throws ArgumentError if the store lacks the slot.
 */
export async function globalNorm(
  store: ParameterStore,
  names: readonly string[],
  slot = 'gradient',
): Promise<number> {
  checkSlots('globalNorm', store, [slot])
  let sum = 0
  if (store.kind === 'memory') {
    for (const name of names) sum += memorySquares(store.block(name), slot)
    return Math.sqrt(sum)
  }
  // One read for all parameters: on a GPU each would wait for the device.
  const squares = tf.tidy(() => tf.stack(names.map((name) => tf.sum(tf.square(store.tensor(name, slot))))))
  for (const square of await squares.data()) sum += square
  squares.dispose()
  if (Number.isFinite(sum)) return Math.sqrt(sum)
  // float32 squares overflow beyond 1.8e19: only then sum them here.
  sum = 0
  for (const name of names) sum += hostSquares(await store.read(name, slot))
  return Math.sqrt(sum)
}

/**
 * The first parameter with a NaN or an infinity in one slot, or undefined.
 *
 * @param slot Default `gradient`.
 * @throws ArgumentError if the store lacks the slot.
 */
export async function findNonFinite(
  store: ParameterStore,
  names: readonly string[],
  slot = 'gradient',
): Promise<string | undefined> {
  checkSlots('findNonFinite', store, [slot])
  for (const name of names) {
    const sum =
      store.kind === 'memory'
        ? memorySquares(store.block(name), slot)
        : hostSquares(await store.read(name, slot))
    if (!Number.isFinite(sum)) return name
  }
  return undefined
}

function memorySquares({ memory, offsets, length }: MemoryBlock, slot: string): number {
  return kernelsOf(memory).sumOfSquares(offsets[slot]!, length)
}

/** In float64: neither NaN nor an infinity appears unless an element is one. */
function hostSquares(elements: Float32Array): number {
  let sum = 0
  for (const element of elements) sum += element * element
  return sum
}
