import { EngineError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { describe, expect, it } from 'vitest'
import { engines, float32, get, int32, wave } from './engines'

describe.each(engines)('a program of the %s engine', (_, engine) => {
  it('computes at fixed sizes', async () => {
    const program = await engine.compile(
      ({ inputs }) => ({ y: tf.matMul(get<tf.Rank.R2>(inputs, 'a'), get<tf.Rank.R2>(inputs, 'b')) }),
      { inputs: { a: { shape: [2, 3] }, b: { shape: [3, 1] } } },
    )
    const { y } = await program.run({
      a: float32([1, 2, 3, 4, 5, 6], [2, 3]),
      b: float32([1, 0, -1], [3, 1]),
    })
    expect(y).toEqual(float32([-2, -2], [2, 1]))
    await program.dispose()
  })

  it('computes at any size of a named axis', async () => {
    const program = await engine.compile(
      ({ inputs }) => {
        const x = get(inputs, 'x')
        const [batch, sequence] = x.shape as [number, number]
        const positions = tf.reshape(tf.range(0, sequence), [1, sequence])
        return {
          y: tf.sum(tf.add(x, positions), 1),
          mean: tf.mean(x),
          rows: tf.reshape(x, [batch * sequence]),
        }
      },
      { inputs: { x: { shape: ['batch', 'sequence'] } } },
    )
    for (const shape of [
      [2, 3],
      [1, 1],
      [4, 9],
    ] as const) {
      const data = wave(shape)
      const { y, mean, rows } = await program.run({ x: float32(data, shape) })
      const [batch, sequence] = shape
      const sums = Array.from({ length: batch }, (_, row) =>
        data
          .slice(row * sequence, (row + 1) * sequence)
          .reduce((sum, value, index) => sum + value + index, 0),
      )
      expect(y?.shape).toEqual([batch])
      expect(y?.data).toBeAllClose(sums)
      expect(mean?.shape).toEqual([])
      expect(mean?.data).toBeAllClose([data.reduce((sum, value) => sum + value, 0) / data.length])
      expect(rows).toEqual(float32(data))
    }
    await program.dispose()
  })

  it('takes and gives each element type', async () => {
    const program = await engine.compile(
      ({ inputs }) => {
        const { ids, mask, x } = { ids: get(inputs, 'ids'), mask: get(inputs, 'mask'), x: get(inputs, 'x') }
        return {
          next: tf.add(ids, tf.scalar(1, 'int32')),
          not: tf.logicalNot(mask),
          masked: tf.where(mask, x, tf.zerosLike(x)),
          largest: tf.argMax(x, 0),
        }
      },
      {
        inputs: {
          ids: { shape: [3], dtype: 'int32' },
          mask: { shape: [3], dtype: 'bool' },
          x: { shape: [3] },
        },
      },
    )
    const mask = { dtype: 'bool' as const, shape: [3], data: Uint8Array.of(1, 0, 1) }
    const { next, not, masked, largest } = await program.run({
      ids: int32([7, -2, 0]),
      mask,
      x: float32([1, 9, 4]),
    })
    expect(next).toEqual(int32([8, -1, 1]))
    expect(not).toEqual({ dtype: 'bool', shape: [3], data: Uint8Array.of(0, 1, 0) })
    expect(masked).toEqual(float32([1, 0, 4]))
    expect(largest).toEqual(int32([1], []))
    await program.dispose()
  })

  it('reads parameters where they are, also after they change', async () => {
    const store = engine.createStore({ weight: [2], unused: [3] })
    store.write('weight', Float32Array.of(2, 3))
    const program = await engine.compile(
      ({ inputs, parameters }) => ({ y: tf.mul(get(inputs, 'x'), get(parameters, 'weight')) }),
      { inputs: { x: { shape: [2] } }, parameters: store },
    )
    const x = float32([1, 10])
    expect((await program.run({ x })).y?.data).toEqual(Float32Array.of(2, 30))
    store.write('weight', Float32Array.of(-1, 1))
    expect((await program.run({ x })).y?.data).toEqual(Float32Array.of(-1, 10))
    await program.dispose()
    expect(await store.read('weight')).toEqual(Float32Array.of(-1, 1))
    store.dispose()
  })

  it('gives outputs of their own: inputs, parameters, constants, one tensor twice', async () => {
    const store = engine.createStore({ weight: [2] })
    store.write('weight', Float32Array.of(2, 3))
    const program = await engine.compile(
      ({ inputs, parameters }) => {
        const sum = tf.add(get(inputs, 'x'), get(parameters, 'weight'))
        return {
          same: get(inputs, 'x'),
          weight: get(parameters, 'weight'),
          one: tf.ones([2]),
          sum,
          again: sum,
        }
      },
      { inputs: { x: { shape: [2] } }, parameters: store },
    )
    for (let run = 0; run < 2; run++) {
      const x = float32([1, 2])
      const outputs = await program.run({ x })
      const values = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...data]]))
      expect(values).toEqual({ same: [1, 2], weight: [2, 3], one: [1, 1], sum: [3, 5], again: [3, 5] })
      for (const { data } of Object.values(outputs)) data.fill(77)
      expect([...x.data]).toEqual([1, 2])
      expect(await store.read('weight')).toEqual(Float32Array.of(2, 3))
    }
    await program.dispose()
    store.dispose()
  })

  it('lets an input, a parameter and an output share a name', async () => {
    const store = engine.createStore({ x: [1] })
    store.write('x', Float32Array.of(10))
    const program = await engine.compile(
      ({ inputs, parameters }) => ({ x: tf.add(get(inputs, 'x'), get(parameters, 'x')) }),
      { inputs: { x: { shape: ['batch'] } }, parameters: store },
    )
    expect((await program.run({ x: float32([1, 2]) })).x?.data).toEqual(Float32Array.of(11, 12))
    await program.dispose()
  })

  it('ignores inputs that the step does not use', async () => {
    const program = await engine.compile(({ inputs }) => ({ y: tf.neg(get(inputs, 'x')) }), {
      inputs: { x: { shape: ['batch'] }, unused: { shape: ['batch', 2] } },
    })
    const { y } = await program.run({ x: float32([1, -2]), unused: float32([0, 0, 0, 0], [2, 2]) })
    expect(y?.data).toEqual(Float32Array.of(-1, 2))
    await program.dispose()
  })

  it('runs one after the other when called at the same time', async () => {
    const program = await engine.compile(({ inputs }) => ({ y: tf.square(get(inputs, 'x')) }), {
      inputs: { x: { shape: [1] } },
    })
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => program.run({ x: float32([index]) })),
    )
    expect(results.map(({ y }) => y?.data[0])).toEqual(
      Array.from({ length: 20 }, (_, index) => index * index),
    )
    await program.dispose()
  })

  describe('refuses', () => {
    const compile = () =>
      engine.compile(({ inputs }) => ({ y: tf.add(get(inputs, 'x'), get(inputs, 'z')) }), {
        inputs: { x: { shape: ['batch', 2] }, z: { shape: ['batch', 1] } },
      })
    const x = float32([1, 2, 3, 4], [2, 2])
    const z = float32([5, 6], [2, 1])
    const remedy = 'Feed every input with the type and shape that the step was compiled for.'

    it.each([
      ['a missing input', { x }, "run: 'z' must be float32 [batch, 1], but got nothing."],
      [
        'another type',
        { x: int32([1, 2, 3, 4], [2, 2]), z },
        "run: 'x' must be float32 [batch, 2], but got int32 [2, 2].",
      ],
      [
        'another rank',
        { x: float32([1, 2]), z },
        "run: 'x' must be float32 [batch, 2], but got float32 [2].",
      ],
      [
        'another size',
        { x: float32([1, 2], [2, 1]), z },
        "run: 'x' must be float32 [batch, 2], but got float32 [2, 1].",
      ],
      [
        'an axis of two sizes',
        { x, z: float32([5, 6, 7], [3, 1]) },
        "run: 'z' must be float32 [batch, 1] with batch = 2, but got float32 [3, 1].",
      ],
      [
        'too few elements',
        { x: { ...x, data: Float32Array.of(1) }, z },
        "run: 'x' must be float32 [batch, 2], but got float32 [2, 2] with 1 elements.",
      ],
      [
        'another array',
        { x: { ...x, data: Int32Array.of(1, 2, 3, 4) }, z },
        "run: 'x' must be float32 [batch, 2] in a Float32Array, but got Int32Array.",
      ],
    ])('%s', async (_, inputs, message) => {
      const program = await compile()
      await expect(program.run(inputs)).rejects.toBeInstanceOf(EngineError)
      await expect(program.run(inputs)).rejects.toThrow(`${message} ${remedy}`)
      // A refused run does no harm.
      expect((await program.run({ x, z })).y?.data).toEqual(Float32Array.of(6, 7, 9, 10))
      await program.dispose()
    })

    it('to run after its end', async () => {
      const program = await compile()
      await program.dispose()
      await program.dispose()
      await expect(program.run({ x, z })).rejects.toThrow(
        "run: 'program' must be one that is not disposed of, but got one that was. Compile the step again.",
      )
    })

    it('an id outside of its table', async () => {
      const program = await engine.compile(
        ({ inputs }) => ({ y: tf.gather(get(inputs, 'table'), tf.cast(get(inputs, 'ids'), 'int32')) }),
        { inputs: { table: { shape: [3, 2] }, ids: { shape: [1], dtype: 'int32' } } },
      )
      await expect(
        program.run({ table: float32([1, 2, 3, 4, 5, 6], [3, 2]), ids: int32([3]) }),
      ).rejects.toThrow(/3/)
      await program.dispose()
    })

    const other = engines.find(([name]) => !engine.name.startsWith(name))?.[1]
    const shapes = { w: [2] }
    const loss = { of: 'y', withRespectTo: ['w'] }
    it.each([
      [
        'a store of another engine',
        other?.createStore(shapes),
        undefined,
        "'parameters' must be a store of this engine",
      ],
      [
        'gradients without a store',
        undefined,
        loss,
        "'parameters' must be a store with a 'gradient' slot, but got none",
      ],
      [
        'gradients without a slot',
        engine.createStore(shapes, ['other']),
        loss,
        "'parameters' must be a store with a 'gradient' slot, but got one with the slots value, other",
      ],
      [
        'a parameter that is not there',
        engine.createStore(shapes, ['gradient']),
        { of: 'y', withRespectTo: ['w', 'v'] },
        "'gradients.withRespectTo' must be names of parameters in the store, but got 'v'",
      ],
      [
        'nothing to differentiate by',
        engine.createStore(shapes, ['gradient']),
        { of: 'y', withRespectTo: [] },
        "'gradients.withRespectTo' must be the names of some parameters, but got none",
      ],
    ])('%s', async (_, parameters, gradients, message) => {
      const compiled = engine.compile(() => ({ y: tf.zeros([]) }), {
        inputs: {},
        ...(parameters && { parameters }),
        ...(gradients && { gradients }),
      })
      await expect(compiled).rejects.toThrow(`compile: ${message}`)
    })

    it.each([
      [{ y: [2] }, "'y' of shape [2]"],
      [{ z: [] }, "'y', which the step does not return"],
    ])('to differentiate what is not a scalar output: %j', async (shapes, received) => {
      const compileAndRun = async () => {
        const program = await engine.compile(
          ({ parameters }) => {
            const total = tf.sum(get(parameters, 'w'))
            return Object.fromEntries(
              Object.entries(shapes).map(([key, shape]) => [key, tf.add(tf.zeros(shape), total)]),
            )
          },
          { inputs: {}, parameters: engine.createStore({ w: [2] }, ['gradient']), gradients: loss },
        )
        await program.run({})
      }
      await expect(compileAndRun()).rejects.toThrow(
        `compile: 'gradients.of' must be the name of a scalar output of the step, but got ${received}. ` +
          'Return the loss as a scalar under this name.',
      )
    })
  })
})
