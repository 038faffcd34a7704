import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { narrowInputs, scalesInput, tf, toOnnx, traceProgram } from '../src/index'
import { optimized } from './support/optimized'

type Tensors = Record<string, tf.Tensor>

const layers = 4
const names = Array.from({ length: layers }, (_, layer) => `w${layer}`)
const specs = {
  x: { shape: ['batch', 4] },
  b: { shape: [4] },
  ...Object.fromEntries(names.map((name) => [name, { shape: [4, 4] }])),
}

/** Layers of frozen weights under a bias that is trained: their gradient passes through every one of them. */
function step({ x, b, ...weights }: Tensors): Tensors {
  const loss = (bias: tf.Tensor) => {
    let h = tf.add(x!, bias)
    for (const name of names) h = tf.tanh(tf.matMul(h, weights[name]!))
    return tf.mean(tf.square(h))
  }
  return { loss: loss(b!), gradient: tf.grad(loss)(b!) }
}

/** The operators of a program in the order in which onnxruntime runs them. */
async function operatorsOf(model: Uint8Array, operators: readonly string[]): Promise<string[]> {
  const positionsOf = await optimized(model)
  const found = operators.flatMap((operator) =>
    positionsOf('operator', operator).map((index) => ({ operator, index })),
  )
  return found.sort((a, b) => a.index - b.index).map(({ operator }) => operator)
}

describe('narrowInputs', () => {
  const types = Object.fromEntries(names.map((name) => [name, 'int8' as const]))

  test('feeds weights as int8 with a scale for each row, and all else as it was', () => {
    const program = traceProgram(step, specs)
    const { inputs } = narrowInputs(program, types)
    const described = Object.fromEntries(inputs.map(({ name, dtype, shape }) => [name, { dtype, shape }]))
    expect(described.w0).toEqual({ dtype: 'int8', shape: [4, 4] })
    expect(described[scalesInput('w0')]).toEqual({ dtype: 'float32', shape: [4] })
    expect(described.b).toEqual({ dtype: 'float32', shape: [4] })
    expect(inputs).toHaveLength(2 + 2 * layers)
  })

  test('leaves a program alone that has no such input', () => {
    const program = traceProgram(step, specs)
    expect(narrowInputs(program, { other: 'int8' })).toBe(program)
  })

  test("widens each weight when its layer comes, twice, whatever onnxruntime's optimizer does", async () => {
    const model = toOnnx(narrowInputs(traceProgram(step, specs), types))
    const order = await operatorsOf(model, ['DequantizeLinear', 'Tanh'])
    const forward = names.flatMap(() => ['DequantizeLinear', 'Tanh'])
    expect(order).toEqual([...forward, ...names.map(() => 'DequantizeLinear')])
  })

  test('takes a weight that is an output, and one that nothing comes before', async () => {
    const turned = ({ w0, x }: Tensors) => ({
      same: tf.clone(w0!),
      product: tf.matMul(x!, tf.transpose(w0!)),
    })
    const program = narrowInputs(traceProgram(turned, { x: specs.x, w0: { shape: [4, 4] } }), {
      w0: 'float16',
    })
    const session = await ort.InferenceSession.create(toOnnx(program), { logSeverityLevel: 4 })
    // 1, 2, 0.5 and -1 as half precision.
    const halves = Uint16Array.from({ length: 16 }, (_, at) => [0x3c00, 0x4000, 0x3800, 0xbc00][at % 4]!)
    const x = new ort.Tensor('float32', Float32Array.of(1, 0, 0, 0), [1, 4])
    const outputs = await session.run({ x, w0: new ort.Tensor('float16', halves, [4, 4]) })
    expect([...(outputs.same!.data as Float32Array).slice(0, 4)]).toEqual([1, 2, 0.5, -1])
    expect([...(outputs.product!.data as Float32Array)]).toEqual([1, 1, 1, 1])
    await session.release()
  })
})
