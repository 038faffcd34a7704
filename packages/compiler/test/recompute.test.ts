import { describe, expect, test } from 'vitest'
import { type GraphProgram, recompute, tf, toOnnx, traceProgram } from '../src/index'
import { optimized } from './support/optimized'
import { expectSame, runModelOften } from './support/run'

type Tensors = Record<string, tf.Tensor>

const layers = 3
const weightNames = Array.from({ length: layers }, (_, layer) => [`w${layer}`, `v${layer}`]).flat()
const specs = {
  x: { shape: ['batch', 4] },
  ...Object.fromEntries(weightNames.map((name) => [name, { shape: [4, 4] }])),
}
const product = (a: unknown, b: unknown) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D)

/** Blocks with residuals, h + tanh(h · w) · v, a loss and the gradient of every weight. */
function step(tensors: Tensors): Tensors {
  const loss = (...weights: tf.Tensor[]) => {
    let h: tf.Tensor = tensors.x!
    for (let layer = 0; layer < layers; layer++)
      h = tf.add(h, product(tf.tanh(product(h, weights[2 * layer])), weights[2 * layer + 1]))
    return tf.mean(tf.square(h))
  }
  const weights = weightNames.map((name) => tensors[name]!)
  const gradients = tf.grads(loss)(weights)
  const named = weightNames.map((name, index) => [`gradient:${name}`, gradients[index]!] as const)
  return { loss: loss(...weights), ...Object.fromEntries(named) }
}

const sines = (shape: readonly number[], phase: number) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, at) => Math.sin(at * 1.3 + phase)),
})
const feed = (batch: number) => ({
  x: sines([batch, 4], 0),
  ...Object.fromEntries(weightNames.map((name, index) => [name, sines([4, 4], index + 1)])),
})
const options = { results: ['loss'], sources: ['x'] }
const opsOf = ({ nodes }: GraphProgram) => nodes.map(({ op }) => op)
const countOf = (op: string, ops: readonly string[]) => ops.filter((one) => one === op).length

describe('recompute', () => {
  test.each([undefined, 2, 3])('leaves every number as it is, at any size: segments %s', async (segments) => {
    const program = traceProgram(step, specs)
    const ops = opsOf(program)
    const feeds = [1, 5, 9].map(feed)
    const expected = await runModelOften(toOnnx(program), feeds)
    const received = await runModelOften(toOnnx(recompute(program, { ...options, segments })), feeds)
    feeds.forEach((_, index) => {
      expectSame(received[index]!, expected[index]!, { absolute: 0, relative: 0 })
    })
    expect(opsOf(program)).toEqual(ops)
  })

  test('repeats what gradients need, and not the product that ends a segment', () => {
    const program = traceProgram(step, specs)
    const repeated = recompute(program, options)
    expect(countOf('Tanh', opsOf(program))).toBe(layers)
    expect(countOf('Tanh', opsOf(repeated))).toBe(2 * layers)
    const products = (ops: readonly string[]) => countOf('MatMul', ops) + countOf('Gemm', ops)
    expect(products(opsOf(repeated)) - products(opsOf(program))).toBe(layers)
  })

  test('does not repeat the last segment, whose gradients come first', () => {
    const repeated = recompute(traceProgram(step, specs), { ...options, segments: 3 })
    expect(countOf('Tanh', opsOf(repeated))).toBe(2 * layers - 1)
  })

  test("outlives onnxruntime's optimizer: nothing is shared again, nothing is repeated early", async () => {
    const model = toOnnx(recompute(traceProgram(step, specs), options))
    const positionsOf = await optimized(model)
    const tanh = positionsOf('operator', 'Tanh')
    expect(tanh).toHaveLength(2 * layers)
    for (let layer = 0; layer < layers - 1; layer++) {
      // The repeated activation of this layer comes after the gradients of the layer behind it.
      const own = tanh[2 * layers - 1 - layer]!
      for (const name of ['w', 'v'].map((letter) => `gradient:${letter}${layer + 1}`)) {
        const [written] = positionsOf('output', name)
        expect(written, name).toBeLessThan(own)
      }
    }
  })

  test('takes a loss whose gradient is constant', async () => {
    const linear = ({ x, w0 }: Tensors) => {
      const loss = (w: tf.Tensor) => tf.sum(tf.tanh(product(tf.tanh(product(x, w)), w)))
      return { loss: loss(w0!), gradient: tf.grad(loss)(w0!) }
    }
    const program = traceProgram(linear, specs)
    const [expected] = await runModelOften(toOnnx(program), [feed(3)])
    const [received] = await runModelOften(toOnnx(recompute(program, options)), [feed(3)])
    expectSame(received!, expected!, { absolute: 1e-6, relative: 1e-6 })
  })
})
