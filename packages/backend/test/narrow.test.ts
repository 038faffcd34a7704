import { tf } from '@tfx/compiler'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { createMemoryStore, createOnnxEngine, embedding, linear, type StepFunction } from '../src/index'
import { engines, get, int32, wave } from './engines'

const [words, size, layers] = [37, 24, 3]
const names = Array.from({ length: layers }, (_, layer) => layer)
const frozen: Record<string, readonly number[]> = {
  table: [words, size],
  ...Object.fromEntries(names.map((layer) => [`w${layer}`, [size, size]])),
}
const trained: Record<string, readonly number[]> = Object.fromEntries(
  names.flatMap((layer) => [
    [`a${layer}`, [4, size]],
    [`b${layer}`, [size, 4]],
    [`bias${layer}`, [size]],
  ]),
)
const shapes = { ...frozen, ...trained }

/** Layers with side paths, as LoRA has them, between a table and its transposed: everything that is done with weights. */
const step: StepFunction = ({ inputs, parameters }) => {
  const table = get(parameters, 'table')
  let x = embedding(table, get(inputs, 'ids'))
  for (const layer of names) {
    const side = linear(linear(x, get(parameters, `a${layer}`)), get(parameters, `b${layer}`))
    const main = linear(x, get(parameters, `w${layer}`), get(parameters, `bias${layer}`))
    x = tf.add(x, tf.tanh(tf.add(main, side)))
  }
  const scores = tf.mul(linear(x, table), 0.3)
  return { scores, loss: tf.mean(tf.square(tf.sub(scores, 0.1))) }
}

const values = (shape: readonly number[], index: number) =>
  wave(shape).map((value, at) => value * Math.sin(1 + at * 0.37 + index) * 0.5)

async function run(
  narrow: Record<string, 'float16' | 'int8'>,
  {
    rounded,
    gradientCheckpointing = false,
  }: { rounded?: Record<string, Float32Array>; gradientCheckpointing?: boolean } = {},
) {
  const store = createOnnxEngine({ threads: 1 }).createStore(shapes, ['gradient'], { narrow })
  for (const [index, [name, shape]] of Object.entries(shapes).entries())
    store.write(name, rounded?.[name] ?? values(shape, index))
  const kept: Record<string, Float32Array> = {}
  for (const name of Object.keys(shapes)) kept[name] = await store.read(name)
  const program = await createOnnxEngine({ threads: 1 }).compile(step, {
    inputs: { ids: { shape: ['batch', 'sequence'], dtype: 'int32' } },
    parameters: store,
    gradients: { of: 'loss', withRespectTo: Object.keys(trained) },
    gradientCheckpointing,
  })
  const ids = Int32Array.from({ length: 15 }, (_, at) => (at * 11) % words)
  const outputs = await program.run({ ids: int32(ids, [3, 5]) })
  const gradients = await Promise.all(Object.keys(trained).map((name) => store.read(name, 'gradient')))
  await program.dispose()
  store.dispose()
  return {
    kept,
    numbers: [outputs.scores!.data, outputs.loss!.data, ...gradients] as Float32Array[],
  }
}

const all = (type: 'float16' | 'int8') => Object.fromEntries(Object.keys(frozen).map((name) => [name, type]))

describe.each(['float16', 'int8'] as const)('parameters kept as %s', (type) => {
  test.each([false, true])(
    'compute what their rounded values compute: checkpointing %s',
    async (gradientCheckpointing) => {
      const { kept, numbers } = await run(all(type), { gradientCheckpointing })
      const expected = await run({}, { rounded: kept })
      expect(expected.numbers[0]!.some((value) => Math.abs(value) > 0.01)).toBe(true)
      numbers.forEach((received, index) => {
        const largest = Math.max(...expected.numbers[index]!.map(Math.abs))
        received.forEach((value, at) =>
          expect(Math.abs(value - expected.numbers[index]![at]!)).toBeLessThanOrEqual(1e-6 * largest),
        )
      })
      const whole = await run({})
      expect(numbers[1]![0]).not.toBe(whole.numbers[1]![0])
    },
  )

  test('are not for training, and have no view', async () => {
    const engine = createOnnxEngine()
    const store = engine.createStore({ w: [2, 2] }, ['gradient'], { narrow: { w: type } })
    const compiled = engine.compile(({ parameters }) => ({ loss: tf.sum(parameters.w!) }), {
      inputs: {},
      parameters: store,
      gradients: { of: 'loss', withRespectTo: ['w'] },
    })
    await expect(compiled).rejects.toThrow('parameters that are kept as float32')
    if (store.kind !== 'memory') throw new Error('not a memory store')
    expect(() => store.view('w')).toThrow(`kept as ${type}`)
    expect(() => store.write('w', new Float32Array(3))).toThrow('4 elements')
    expect(store.view('w', 'gradient')).toHaveLength(4)
  })
})

describe('a store that keeps values in fewer bits', () => {
  it('rounds to half precision, and to 1/127 of the largest number of a row', async () => {
    const number = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(number, number, number), { minLength: 1, maxLength: 5 }),
        async (rows) => {
          const store = createMemoryStore({ half: [rows.length, 3], byte: [rows.length, 3] }, [], {
            narrow: { half: 'float16', byte: 'int8' },
          })
          const data = Float32Array.from(rows.flat())
          for (const name of ['half', 'byte']) store.write(name, data)
          const [half, byte] = [await store.read('half'), await store.read('byte')]
          rows.forEach((row, index) => {
            const largest = Math.max(...row.map(Math.abs))
            row.forEach((value, column) => {
              const at = index * 3 + column
              expect(Math.abs(half[at]! - value)).toBeLessThanOrEqual(
                Math.max(Math.abs(value) * 2 ** -11, 2 ** -25),
              )
              expect(Math.abs(byte[at]! - value)).toBeLessThanOrEqual((largest / 254) * 1.0001 + 1e-42)
            })
          })
        },
      ),
    )
  })

  it('takes the memory that it should, beside slots of full precision', () => {
    const shapes = { a: [1024, 1024], b: [1024] }
    const bytes = (narrow: Record<string, 'float16' | 'int8'>) =>
      createMemoryStore(shapes, [], { narrow }).block('a').memory.buffer.byteLength
    expect(bytes({ a: 'float16' }) / bytes({})).toBeCloseTo(0.5, 1)
    expect(bytes({ a: 'int8' }) / bytes({})).toBeCloseTo(0.25, 1)
  })

  it('keeps what half precision cannot hold finite', async () => {
    const store = createMemoryStore({ w: [2] }, [], { narrow: { w: 'float16' } })
    store.write('w', Float32Array.of(1e6, -1e6))
    expect([...(await store.read('w'))]).toEqual([65504, -65504])
  })

  it('is refused by a tfjs engine', () => {
    const tfjs = engines.find(([name]) => name !== 'onnx')![1]
    expect(() => tfjs.createStore({ w: [2, 2] }, [], { narrow: { w: 'int8' } })).toThrow("setEngine('onnx')")
  })
})
