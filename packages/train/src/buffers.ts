import type { ParameterStore } from '@tfx/backend'
import { ArgumentError, type HostTensor } from '@tfx/common'

/** What buffers held before a step, by name. */
export type KeptBuffers = Map<string, Float32Array>

/**
 * Writes the outputs of a run that are named like buffers to the store.
 *
 * @param kept Filled with what they held, unless it is already.
 * @throws ArgumentError if the program has no such output.
 */
export async function takeBuffers(
  outputs: Readonly<Record<string, HostTensor>>,
  kept: KeptBuffers,
  { store, buffers }: { store: ParameterStore; buffers: readonly string[] },
): Promise<void> {
  for (const name of buffers) {
    const data = outputs[name]?.data
    if (!(data instanceof Float32Array)) throw missingOutput(name)
    if (!kept.has(name)) kept.set(name, await store.read(name))
    store.write(name, data)
  }
}

/** Makes as if there had been no step. */
export function restoreBuffers(store: ParameterStore, kept: KeptBuffers): void {
  for (const [name, data] of kept) store.write(name, data)
  kept.clear()
}

function missingOutput(name: string): ArgumentError {
  return new ArgumentError({
    function: 'fit',
    argument: 'buffers',
    expected: 'names of float32 outputs of the program',
    received: `'${name}', which is none`,
    remedy: 'Return its new value from the step under that name, beside the loss.',
  })
}
