import { TraceError } from '@tfx/common'
import type { Traced } from '../graph'
import { gather, oneHot } from '../ops/indexing'
import { matrixMultiply } from '../ops/matmul'
import { materialize } from '../ops/values'
import { tf } from '../tf'
import type { KernelTable } from './kernel'

export const linearKernels: KernelTable = {
  BatchMatMul: ({ graph, inputs, attributes }) =>
    matrixMultiply(graph, [inputs.a!, inputs.b!], {
      transposeA: attributes.transposeA === true,
      transposeB: attributes.transposeB === true,
    }),
  GatherV2: ({ graph, inputs, attributes }) => {
    const { x, indices } = inputs as { x: Traced; indices: Traced }
    if (attributes.batchDims) {
      throw new TraceError({
        function: 'trace',
        argument: 'tf.gather',
        expected: 'called without batchDims',
        received: `batchDims ${attributes.batchDims as number}`,
        remedy: 'Flatten the batch axes into the indexed axis first.',
      })
    }
    const [axis] = tf.util.parseAxisParam(attributes.axis as number, [...x.shape])
    return gather(graph, x, { indices, axis: axis! })
  },
  OneHot: ({ graph, inputs, attributes }) => {
    const { depth, onValue, offValue, dtype } = attributes as {
      depth: number
      onValue: number
      offValue: number
      dtype: 'float32' | 'int32' | 'bool'
    }
    return oneHot(graph, inputs.indices!, { depth, on: onValue, off: offValue, dtype })
  },
  UnsortedSegmentSum: ({ graph, inputs, attributes }) => {
    const { x, segmentIds } = inputs as { x: Traced; segmentIds: Traced }
    return {
      kind: 'sparse',
      ids: materialize(graph, segmentIds),
      rows: materialize(graph, x),
      shape: [attributes.numSegments as number, ...x.shape.slice(1)],
      dtype: x.dtype,
    }
  },
}
