import { describe, expect, test } from 'vitest'
import { liveNodes } from '../src/graph'
import { finish, tf, trace } from '../src/index'
import { chooseSegments } from '../src/passes/segments'

type Tensors = Record<string, tf.Tensor>

const product = (a: unknown, b: unknown) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D)

/** The ops of each segment; `x` is the source and `loss` the result. */
function segmentsOf(compute: (tensors: Tensors) => Tensors, count?: number): string[] {
  const program = finish(trace(compute, { x: { shape: [4, 4] }, w: { shape: [4, 4] }, v: { shape: [4, 4] } }))
  const results = program.outputs.map(({ value }) => value)
  const nodes = liveNodes({ nodes: [...program.nodes] }, results)
  const sources = program.inputs.filter(({ name }) => name === 'x')
  const { count: made, of } = chooseSegments({ nodes, results, sources }, count)
  return Array.from({ length: made }, (_, segment) =>
    nodes.flatMap((node) => (of.get(node) === segment ? [node.op] : [])).join(' '),
  )
}

/** A block with a residual: x + tanh(x · w) · v. */
const block = (x: unknown, { w, v }: Tensors) => tf.add(x as tf.Tensor, product(tf.tanh(product(x, w)), v))
const stack = (depth: number) => (tensors: Tensors) => {
  let x: tf.Tensor = tensors.x!
  for (let index = 0; index < depth; index++) x = block(x, tensors)
  return { loss: tf.sum(tf.exp(x)) }
}
const inner = 'MatMul Tanh MatMul Add'

describe('chooseSegments', () => {
  test('cuts behind each residual, where one value is all that goes on', () => {
    expect(segmentsOf(stack(3))).toEqual([inner, inner, inner, 'Exp ReduceSum'])
  })

  test('gives what follows cheaply to the next segment', () => {
    const normed = (tensors: Tensors) => {
      const first = tf.exp(block(tensors.x, tensors))
      return { loss: tf.sum(block(tf.neg(first), tensors)) }
    }
    expect(segmentsOf(normed)).toEqual([inner, `Exp Neg ${inner}`, 'ReduceSum'])
  })

  test('spaces as many segments as are asked for evenly', () => {
    expect(segmentsOf(stack(4), 2)).toEqual([`${inner} ${inner}`, `${inner} ${inner} Exp ReduceSum`])
    expect(segmentsOf(stack(5), 3)).toEqual([`${inner} ${inner}`, inner, `${inner} ${inner} Exp ReduceSum`])
    expect(segmentsOf(stack(2), 9)).toHaveLength(3)
  })

  test('lets other values pass beside: masks, or the states of an encoder', () => {
    const beside = ({ x, w, v }: Tensors) => {
      const mask = tf.exp(v!)
      const masked = (y: unknown) => tf.add(y as tf.Tensor, tf.mul(product(y, w), mask))
      return { loss: tf.sum(masked(masked(x))) }
    }
    expect(segmentsOf(beside)).toEqual(['MatMul Mul Add', 'Exp MatMul Mul Add', 'ReduceSum'])
  })

  test('makes one segment where nothing is narrow', () => {
    const results = ({ x, w }: Tensors) => ({ loss: tf.sum(product(x, w)), other: tf.exp(x!) })
    expect(segmentsOf(results)).toEqual(['MatMul ReduceSum Exp'])
  })
})
