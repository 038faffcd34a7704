import { describe, expect, test } from 'vitest'
import { type GraphProgram, tf, toOnnx, type TraceableFunction, traceProgram } from '../src/index'
import { fuseNorms } from '../src/passes/fuse-norms'
import { splitByToken } from '../src/passes/split-by-token'
import { expectSame, runModelOften } from './support/run'

type Tensors = Record<string, tf.Tensor>

const [tokens, room, size] = [2, 5, 8]
const specs = {
  x: { shape: ['batch', 4] },
  y: { shape: ['batch', 4] },
  row: { shape: [4] },
  weight: { shape: [4] },
  bias: { shape: [4] },
  /** Two queries, a key and a value of each token. */
  features: { shape: ['batch', tokens, 4 * size] },
  past: { shape: ['batch', 1, room, size] },
}
const sines = (shape: readonly number[], phase: number) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from({ length: shape.reduce((product, length) => product * length, 1) }, (_, index) =>
    Math.sin(index * 1.3 + phase),
  ),
})
const feeds = [1, 3].map((batch) =>
  Object.fromEntries(
    Object.entries(specs).map(([name, { shape }], phase) => {
      const sizes = shape.map((axis) => (typeof axis === 'number' ? axis : batch))
      return [name, sines(sizes, phase)]
    }),
  ),
)

/** How many nodes of an op a model has: each has its name as the field `op_type`. */
const countIn = (model: Uint8Array, op: string) =>
  Buffer.from(model)
    .toString('latin1')
    .split(`"${String.fromCharCode(op.length)}${op}`).length - 1

/** The ops after a pass; a model that is written with merged nodes has them, and computes the same as one without. */
async function opsAfter(
  pass: (program: GraphProgram) => GraphProgram,
  compute: TraceableFunction,
): Promise<string[]> {
  const used = Object.fromEntries(Object.entries(specs).filter(([name]) => String(compute).includes(name)))
  const program = traceProgram(compute, used)
  const models = [false, true].map((mergeNodes) => toOnnx(program, { mergeNodes }))
  const [plain, merged] = await Promise.all(models.map((model) => runModelOften(model, feeds)))
  plain!.forEach((expected, index) => {
    expectSame(merged![index]!, expected, { absolute: 1e-6, relative: 1e-6 })
  })
  const ops = pass(program).nodes.map(({ op }) => op)
  for (const op of ops) {
    expect([op, countIn(models[1]!, op)]).toEqual([op, ops.filter((other) => other === op).length])
  }
  return ops
}

const kernel = (name: string, inputs: Record<string, unknown>, attributes: Record<string, unknown> = {}) =>
  tf.engine().runKernel<tf.Tensor[]>(name, inputs as never, attributes as never)
const layerNorm = (x: unknown, weight: unknown, bias: unknown) =>
  kernel('TfxLayerNorm', { x, weight, bias }, { epsilon: 1e-5 })
const rmsNorm = (x: unknown, weight: unknown) => kernel('TfxRmsNorm', { x, weight }, { epsilon: 1e-5 })[0]!
const sum = (x: unknown, y: unknown) => tf.add(x as tf.Tensor, y as tf.Tensor)

describe('fuseNorms', () => {
  const fused: Record<string, [(tensors: Tensors) => Tensors, string[]]> = {
    'a sum that is used again': [
      ({ x, y, weight, bias }) => {
        const total = sum(x, y)
        return { normed: layerNorm(total, weight, bias)[0]!, again: tf.exp(total) }
      },
      ['SkipLayerNormalization', 'Exp'],
    ],
    'a sum that is used once': [
      ({ x, y, weight }) => ({ normed: rmsNorm(sum(x, y), weight) }),
      ['SkipSimplifiedLayerNormalization'],
    ],
    'a sum that is an output': [
      ({ x, y, weight }) => ({ normed: rmsNorm(sum(x, y), weight), total: sum(x, y) }),
      ['SkipSimplifiedLayerNormalization'],
    ],
    'one after the other': [
      ({ x, y, weight, bias }) => {
        const first = sum(x, y)
        const second = sum(first, layerNorm(first, weight, bias)[0]!)
        return { normed: layerNorm(second, weight, bias)[0]! }
      },
      ['SkipLayerNormalization', 'SkipLayerNormalization'],
    ],
    'the first of two norms of a sum': [
      ({ x, y, weight, bias }) => ({
        a: rmsNorm(sum(x, y), weight),
        b: rmsNorm(sum(x, y), bias),
      }),
      ['SkipSimplifiedLayerNormalization', 'SimplifiedLayerNormalization'],
    ],
  }
  test.each(Object.entries(fused))('with %s', async (_, [compute, ops]) => {
    expect(await opsAfter(fuseNorms, compute)).toEqual(ops)
  })

  const kept: Record<string, [(tensors: Tensors) => Tensors, string[]]> = {
    'a row is added to every other': [
      ({ x, row, weight }) => ({ normed: rmsNorm(sum(x, row), weight) }),
      ['Add', 'SimplifiedLayerNormalization'],
    ],
    'the mean is used': [
      ({ x, y, weight, bias }) => {
        const [normed, mean] = layerNorm(sum(x, y), weight, bias) as [tf.Tensor, tf.Tensor]
        return { normed, mean }
      },
      ['Add', 'LayerNormalization'],
    ],
    'the weight is computed': [
      ({ x, y, weight }) => ({ normed: rmsNorm(sum(x, y), tf.exp(weight!)) }),
      ['Add', 'Exp', 'SimplifiedLayerNormalization'],
    ],
    'there are more than two axes': [
      ({ x, y, weight }) => {
        const [a, b] = [x!, y!].map((matrix) => tf.reshape(matrix, [-1, 1, 4]))
        return { normed: rmsNorm(sum(a, b), weight) }
      },
      ['Reshape', 'Reshape', 'Add', 'SimplifiedLayerNormalization'],
    ],
  }
  test.each(Object.entries(kept))('not where %s', async (_, [compute, ops]) => {
    expect(await opsAfter(fuseNorms, compute)).toEqual(ops)
  })
})

/** Widths in heads. */
const pieces = (features: unknown, widths = [2, 1, 1]) =>
  tf.split(
    tf.reshape(features as tf.Tensor, [-1, 4 * size]),
    widths.map((heads) => heads * size),
    1,
  )
const byToken = (piece: tf.Tensor, heads: number) => tf.reshape(piece, [-1, tokens, heads * size])
const byHead = (piece: tf.Tensor, heads: number) =>
  tf.transpose(tf.reshape(piece, [-1, tokens, heads, size]), [0, 2, 1, 3])
const attend = (query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, past: unknown) => {
  const bias = tf.zeros([query.shape[0], 1, tokens, tokens])
  const own = { query, key, value, pastKey: past, pastValue: past }
  return kernel('TfxCachedAttention', { ...own, bias }, { scale: 0.5 })[0]!
}

describe('splitByToken', () => {
  const once: Record<string, [(tensors: Tensors) => Tensors, string[]]> = {
    'where all pieces are reshaped by token': [
      ({ features }) => {
        const [a, b, c] = pieces(features) as [tf.Tensor, tf.Tensor, tf.Tensor]
        return { a: tf.relu(byToken(a, 2)), b: tf.relu(byToken(b, 1)), c: tf.exp(byToken(c, 1)) }
      },
      ['Reshape', 'Reshape', 'Split', 'Relu', 'Relu', 'Exp'],
    ],
    'for attention, which takes them unsplit': [
      ({ features, past }) => {
        const [query, key, value] = pieces(features) as [tf.Tensor, tf.Tensor, tf.Tensor]
        return { context: attend(byHead(query, 2), byHead(key, 1), byHead(value, 1), past) }
      },
      ['Reshape', 'Reshape', 'GroupQueryAttention', 'Reshape'],
    ],
    'for attention that takes them in another order': [
      ({ features, past }) => {
        const [query, value, key] = pieces(features) as [tf.Tensor, tf.Tensor, tf.Tensor]
        return { context: attend(byHead(query, 2), byHead(key, 1), byHead(value, 1), past) }
      },
      ['Reshape', 'Reshape', 'Split', 'GroupQueryAttention', 'Reshape'],
    ],
    'for attention to one that something else takes too': [
      ({ features, past }) => {
        const [query, key, value] = pieces(features) as [tf.Tensor, tf.Tensor, tf.Tensor]
        const context = attend(byHead(query, 2), byHead(key, 1), byHead(value, 1), past)
        return { context, value: tf.relu(byToken(value, 1)) }
      },
      ['Reshape', 'Reshape', 'Split', 'GroupQueryAttention', 'Reshape', 'Relu'],
    ],
  }
  test.each(Object.entries(once))('reshapes once %s', async (_, [compute, ops]) => {
    const received = await opsAfter(splitByToken, compute)
    expect(received.filter((op) => op !== 'Expand' && op !== 'Shape')).toEqual(ops)
  })

  const kept: Record<string, [(tensors: Tensors) => Tensors, string[]]> = {
    'a piece is used as it is': [
      ({ features }) => {
        const [a, b] = pieces(features, [2, 2]) as [tf.Tensor, tf.Tensor]
        return { a: tf.relu(byToken(a, 2)), b: tf.relu(b) }
      },
      ['Reshape', 'Split', 'Reshape', 'Relu', 'Relu'],
    ],
    'a piece is an output': [
      ({ features }) => {
        const [a, b] = pieces(features, [2, 2]) as [tf.Tensor, tf.Tensor]
        return { a: tf.relu(byToken(a, 2)), c: tf.relu(byToken(b, 2)), b }
      },
      ['Reshape', 'Split', 'Reshape', 'Relu', 'Reshape', 'Relu'],
    ],
    'features move between tokens': [
      ({ features }) => {
        const [a, b] = pieces(features, [2, 2]) as [tf.Tensor, tf.Tensor]
        return { a: tf.relu(tf.reshape(a, [-1, 2 * tokens, size])), b: tf.relu(byToken(b, 2)) }
      },
      ['Reshape', 'Split', 'Reshape', 'Relu', 'Reshape', 'Relu'],
    ],
    'tokens are counted differently': [
      ({ features }) => {
        const [a, b] = pieces(features, [2, 2]) as [tf.Tensor, tf.Tensor]
        return { a: tf.relu(tf.reshape(a, [1, -1, 2 * size])), b: tf.relu(byToken(b, 2)) }
      },
      ['Reshape', 'Split', 'Reshape', 'Relu', 'Reshape', 'Relu'],
    ],
  }
  test.each(Object.entries(kept))('not where %s', async (_, [compute, ops]) => {
    expect(await opsAfter(splitByToken, compute)).toEqual(ops)
  })
})
