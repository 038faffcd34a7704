import { tf } from '@tfx/compiler'
import { describe, expect, it } from 'vitest'
import { embedding, type Engine, type ParameterStore, type StepFunction } from '../src/index'
import { engines, float32, get, int32, wave } from './engines'

/** Loss: the weighted sum of looked-up rows. Its gradient: the weights, added up by id. */
const lookUp: StepFunction = ({ inputs, parameters }) => ({
  loss: tf.sum(tf.mul(embedding(get(parameters, 'table'), get(inputs, 'ids')), get(inputs, 'weights'))),
})
const lookUpInputs = {
  ids: { shape: ['count'], dtype: 'int32' as const },
  weights: { shape: ['count', 2] },
}

/** Loss: the sum of a dense product with the whole table. Its gradient: `factor` everywhere. */
const dense =
  (factor: number): StepFunction =>
  ({ parameters }) => ({ loss: tf.sum(tf.mul(get(parameters, 'table'), factor)) })

const compileFor =
  (engine: Engine, store: ParameterStore) =>
  (step: StepFunction, inputs = {}, names = ['table']) =>
    engine.compile(step, { inputs, parameters: store, gradients: { of: 'loss', withRespectTo: names } })

describe.each(engines)('gradients of the %s engine', (_, engine) => {
  const tableStore = (rows: number) => {
    const store = engine.createStore({ table: [rows, 2] }, ['gradient'])
    store.write('table', wave([rows, 2]))
    return {
      store,
      compile: compileFor(engine, store),
      gradient: async () => [...(await store.read('table', 'gradient'))],
    }
  }
  const ids = (...values: number[]) => ({
    ids: int32(values),
    weights: float32(
      values.flatMap((_, index) => [index + 1, 10 * (index + 1)]),
      [values.length, 2],
    ),
  })

  it('overwrite the dense slots; outputs come beside them', async () => {
    const store = engine.createStore({ w: [3], b: [1], frozen: [3] }, ['gradient', 'other'])
    store.write('w', Float32Array.of(1, 2, 3))
    store.write('b', Float32Array.of(4))
    store.write('frozen', Float32Array.of(5, 6, 7))
    store.write('frozen', Float32Array.of(8, 8, 8), 'gradient')
    store.write('w', Float32Array.of(9, 9, 9), 'other')
    const program = await compileFor(engine, store)(
      ({ inputs, parameters }) => {
        const product = tf.mul(tf.square(get(parameters, 'w')), get(inputs, 'x'))
        const y = tf.add(tf.mul(product, get(parameters, 'frozen')), get(parameters, 'b'))
        return { y, loss: tf.sum(y) }
      },
      { x: { shape: [3] } },
      ['w', 'b'],
    )
    for (let run = 0; run < 2; run++) {
      const { y, loss } = await program.run({ x: float32([1, -1, 2]) })
      expect(y?.data).toBeAllClose([9, -20, 130])
      expect(loss).toEqual(float32([119], []))
      expect(await store.read('w', 'gradient')).toBeAllClose([10, -24, 84])
      expect(await store.read('b', 'gradient')).toBeAllClose([3])
    }
    expect(await store.read('frozen', 'gradient')).toEqual(Float32Array.of(8, 8, 8))
    expect(await store.read('w', 'other')).toEqual(Float32Array.of(9, 9, 9))
    expect(await store.read('w')).toEqual(Float32Array.of(1, 2, 3))
    await program.dispose()
  })

  it('may be the same or constant for several parameters', async () => {
    const store = engine.createStore({ a: [2], b: [2] }, ['gradient'])
    const program = await compileFor(engine, store)(
      ({ inputs, parameters }) => ({
        loss: tf.sum(tf.mul(tf.add(get(parameters, 'a'), get(parameters, 'b')), get(inputs, 'x'))),
      }),
      { x: { shape: [2] } },
      ['a', 'b'],
    )
    const constant = await compileFor(engine, store)(
      ({ parameters }) => ({ loss: tf.add(tf.sum(get(parameters, 'a')), tf.sum(get(parameters, 'b'))) }),
      {},
      ['a', 'b'],
    )
    for (const scale of [1, 2]) {
      await program.run({ x: float32([scale, 5]) })
      expect(await store.read('a', 'gradient')).toEqual(Float32Array.of(scale, 5))
      expect(await store.read('b', 'gradient')).toEqual(Float32Array.of(scale, 5))
      await constant.run({})
      expect(await store.read('a', 'gradient')).toEqual(Float32Array.of(1, 1))
      expect(await store.read('b', 'gradient')).toEqual(Float32Array.of(1, 1))
    }
    await Promise.all([program.dispose(), constant.dispose()])
  })

  it('are zero where the loss does not depend on the parameter', async () => {
    const store = engine.createStore({ used: [2], unused: [2] }, ['gradient'])
    store.write('unused', Float32Array.of(3, 3), 'gradient')
    const program = await compileFor(engine, store)(
      ({ parameters }) => ({
        loss: tf.sum(get(parameters, 'used')),
        other: tf.sum(get(parameters, 'unused')),
      }),
      {},
      ['used', 'unused'],
    )
    await program.run({})
    expect(await store.read('used', 'gradient')).toEqual(Float32Array.of(1, 1))
    expect(await store.read('unused', 'gradient')).toEqual(Float32Array.of(0, 0))
    await program.dispose()
  })

  it('of an embedding add up repeated ids and clear the rows of the run before', async () => {
    const { compile, gradient } = tableStore(4)
    const program = await compile(lookUp, lookUpInputs)
    await program.run(ids(1, 3, 1))
    expect(await gradient()).toEqual([0, 0, 4, 40, 0, 0, 2, 20])
    await program.run(ids(0))
    expect(await gradient()).toEqual([1, 10, 0, 0, 0, 0, 0, 0])
    await program.run(ids(2, 2))
    expect(await gradient()).toEqual([0, 0, 0, 0, 3, 30, 0, 0])
    await program.dispose()
  })

  it('of an embedding clear whatever was written to the slot in between', async () => {
    const { store, compile, gradient } = tableStore(3)
    const program = await compile(lookUp, lookUpInputs)
    await program.run(ids(0))
    store.write('table', Float32Array.of(9, 9, 9, 9, 9, 9), 'gradient')
    await program.run(ids(1))
    expect(await gradient()).toEqual([0, 0, 1, 10, 0, 0])
    await program.dispose()
  })

  it('of several programs on one store do not mix: sparse, dense, unreached', async () => {
    const { compile, gradient } = tableStore(3)
    const sparse = await compile(lookUp, lookUpInputs)
    const otherSparse = await compile(lookUp, lookUpInputs)
    const whole = await compile(dense(3))
    const none = await compile(() => ({ loss: tf.zeros([]) }))
    await sparse.run(ids(0))
    await otherSparse.run(ids(1))
    expect(await gradient()).toEqual([0, 0, 1, 10, 0, 0])
    await whole.run({})
    expect(await gradient()).toEqual([3, 3, 3, 3, 3, 3])
    await sparse.run(ids(2))
    expect(await gradient()).toEqual([0, 0, 0, 0, 1, 10])
    await none.run({})
    expect(await gradient()).toEqual([0, 0, 0, 0, 0, 0])
    await otherSparse.run(ids(2))
    expect(await gradient()).toEqual([0, 0, 0, 0, 1, 10])
    await Promise.all([sparse, otherSparse, whole, none].map((program) => program.dispose()))
  })

  it('of two look-ups in one table are joined', async () => {
    const { compile, gradient } = tableStore(3)
    const program = await compile(({ inputs, parameters }) => {
      const table = get(parameters, 'table')
      const second = tf.sum(tf.mul(embedding(table, tf.range(0, 2, 1, 'int32')), 100))
      return { loss: tf.add(lookUp({ inputs, parameters }).loss as tf.Tensor, second) }
    }, lookUpInputs)
    await program.run(ids(2, 0))
    expect(await gradient()).toEqual([102, 120, 100, 100, 1, 10])
    await program.run(ids(1))
    expect(await gradient()).toEqual([100, 100, 101, 110, 0, 0])
    await program.dispose()
  })

  it('of a tied embedding add the rows to the dense part', async () => {
    const { compile, gradient } = tableStore(3)
    const program = await compile(({ inputs, parameters }) => {
      const rows = lookUp({ inputs, parameters }).loss as tf.Tensor
      return { loss: tf.add(rows, dense(0.5)({ inputs, parameters }).loss as tf.Tensor) }
    }, lookUpInputs)
    await program.run(ids(1, 1))
    expect(await gradient()).toEqual([0.5, 0.5, 3.5, 30.5, 0.5, 0.5])
    await program.run(ids(0))
    expect(await gradient()).toEqual([1.5, 10.5, 0.5, 0.5, 0.5, 0.5])
    await program.dispose()
  })

  it('refuse a negative id', async () => {
    const { compile, gradient } = tableStore(3)
    const program = await compile(lookUp, lookUpInputs)
    await expect(program.run(ids(1, -1))).rejects.toThrow(/-1/)
    await program.run(ids(2))
    expect(await gradient()).toEqual([0, 0, 0, 0, 1, 10])
    await program.dispose()
  })

  it('of a gradient inside the step are right', async () => {
    // loss = Σ (d Σ w³ x / dw)² = Σ (3 w² x)², d loss / dw = 36 w³ x².
    const store = engine.createStore({ w: [2] }, ['gradient'])
    store.write('w', Float32Array.of(1, -2))
    const program = await compileFor(engine, store)(
      ({ inputs, parameters }) => {
        const inner = tf.grad((w) => tf.sum(tf.mul(tf.mul(tf.square(w), w), get(inputs, 'x'))))
        return { loss: tf.sum(tf.square(inner(get(parameters, 'w')))) }
      },
      { x: { shape: [2] } },
      ['w'],
    )
    await program.run({ x: float32([1, 0.5]) })
    expect(await store.read('w', 'gradient')).toBeAllClose([36, -72])
    await program.dispose()
  })
})
