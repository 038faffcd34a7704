import { EngineError, type HostTensor, sizeOf } from '@tfx/common'
import type { InputSpec } from './engine'

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }

/**
 * Compares what a run is given with what was declared.
 *
 * @returns The size of each symbolic axis in this run.
 * @throws EngineError naming the input that is missing or of another type or shape.
 */
export function checkInputs(
  specs: Readonly<Record<string, InputSpec>>,
  inputs: Readonly<Record<string, HostTensor>>,
): Record<string, number> {
  const axes: Record<string, number> = {}
  for (const [name, { shape, dtype = 'float32' }] of Object.entries(specs)) {
    const tensor = inputs[name]
    const expected = `${dtype} [${shape.join(', ')}]`
    if (!tensor) throw mismatch(name, expected, 'nothing')
    const received = `${tensor.dtype} [${tensor.shape.join(', ')}]`
    if (tensor.dtype !== dtype || tensor.shape.length !== shape.length)
      throw mismatch(name, expected, received)
    if (!(tensor.data instanceof arrays[dtype])) {
      throw mismatch(name, `${expected} in a ${arrays[dtype].name}`, tensor.data.constructor.name)
    }
    if (tensor.data.length !== sizeOf(tensor.shape)) {
      throw mismatch(name, expected, `${received} with ${tensor.data.length} elements`)
    }
    shape.forEach((dimension, axis) => {
      const size = tensor.shape[axis]!
      const known = typeof dimension === 'number' ? dimension : (axes[dimension] ??= size)
      if (known !== size) {
        throw mismatch(
          name,
          typeof dimension === 'number' ? expected : `${expected} with ${dimension} = ${known}`,
          received,
        )
      }
    })
  }
  return axes
}

function mismatch(name: string, expected: string, received: string): EngineError {
  return new EngineError({
    function: 'run',
    argument: name,
    expected,
    received,
    remedy: 'Feed every input with the type and shape that the step was compiled for.',
  })
}
