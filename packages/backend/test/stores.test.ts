import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryStore, type MemoryStore } from '../src/index'
import { engines, float32, get, wave } from './engines'

describe.each(engines)('a store of the %s engine', (_, engine) => {
  const shapes = { matrix: [2, 3], scalar: [], empty: [0, 4] }

  it('keeps every slot apart, zero at first', async () => {
    const store = engine.createStore(shapes, ['gradient', 'expAvg'])
    expect(store.shapes).toEqual(shapes)
    expect(store.slots).toEqual(['value', 'gradient', 'expAvg'])
    for (const slot of store.slots) expect(await store.read('matrix', slot)).toEqual(new Float32Array(6))
    store.write('matrix', wave([2, 3]))
    store.write('matrix', wave([2, 3], 1), 'expAvg')
    store.write('scalar', Float32Array.of(5), 'gradient')
    expect(await store.read('matrix')).toEqual(wave([2, 3]))
    expect(await store.read('matrix', 'gradient')).toEqual(new Float32Array(6))
    expect(await store.read('matrix', 'expAvg')).toEqual(wave([2, 3], 1))
    expect(await store.read('scalar', 'gradient')).toEqual(Float32Array.of(5))
    expect(await store.read('empty')).toEqual(new Float32Array(0))
    store.dispose()
  })

  it('copies what is written and read', async () => {
    const store = engine.createStore({ w: [2] })
    const data = Float32Array.of(1, 2)
    store.write('w', data)
    data.fill(9)
    const copy = await store.read('w')
    expect(copy).toEqual(Float32Array.of(1, 2))
    copy.fill(7)
    expect(await store.read('w')).toEqual(Float32Array.of(1, 2))
    store.dispose()
  })

  it('refuses unknown names and other sizes', async () => {
    const store = engine.createStore({ w: [2], b: [1] }, ['gradient'])
    await expect(store.read('v')).rejects.toThrow(
      "store: 'parameter' must be one of w, b, but got 'v'. Create the store with it.",
    )
    await expect(store.read('w', 'expAvg')).rejects.toThrow(
      "store: 'slot' must be one of value, gradient, but got 'expAvg'.",
    )
    expect(() => store.write('v', Float32Array.of(1))).toThrow(ArgumentError)
    expect(() => store.write('w', Float32Array.of(1))).toThrow(
      "store.write: 'w' must be 2 elements, but got 1. Write arrays of exactly the size that the store was created with.",
    )
    store.dispose()
    await expect(store.read('w')).rejects.toThrow(
      "'parameter' must be of a store that is not disposed of, but got 'w'.",
    )
  })
})

describe('a memory store', () => {
  it('lays out any shapes without overlap, each slot at a multiple of 64 bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(9), { maxLength: 3 }), { minLength: 1, maxLength: 8 }),
        fc.nat(3),
        fc.integer({ min: 12_000, max: 200_000 }),
        (shapes, extra, limit) => {
          const slots = Array.from({ length: extra }, (_, index) => `slot${index}`)
          const store = createMemoryStore(
            Object.fromEntries(shapes.map((shape, index) => [`p${index}`, shape])),
            slots,
            { memoryLimit: limit },
          )
          const all = Object.keys(store.shapes).flatMap((name) =>
            store.slots.map((slot) => [name, slot] as const),
          )
          all.forEach(([name, slot], index) => {
            store.view(name, slot).fill(index + 1)
            const { memory, offsets, length } = store.block(name)
            expect(offsets[slot]! % 64).toBe(0)
            expect(length).toBe(store.shapes[name]?.reduce((product, size) => product * size, 1))
            expect(memory.buffer.byteLength).toBeLessThan(limit + 65536)
          })
          all.forEach(([name, slot], index) => {
            expect(store.view(name, slot).every((value) => value === index + 1)).toBe(true)
          })
        },
      ),
      { numRuns: 50 },
    )
  })

  it('takes as many memories as it needs, and a program reads from all', async () => {
    const [, engine] = engines[0]!
    const shapes = { a: [100], b: [100], c: [100] }
    const store = createMemoryStore(shapes, ['gradient'], { memoryLimit: 2000 })
    expect(new Set(Object.keys(shapes).map((name) => store.block(name).memory)).size).toBe(2)
    const program = await engine.compile(
      ({ parameters }) => {
        const sum = tf.add(tf.add(get(parameters, 'a'), get(parameters, 'b')), get(parameters, 'c'))
        return { loss: tf.sum(tf.square(sum)) }
      },
      { inputs: {}, parameters: store, gradients: { of: 'loss', withRespectTo: ['a', 'b', 'c'] } },
    )
    for (const [index, name] of Object.keys(shapes).entries()) store.view(name).fill(index + 1)
    expect((await program.run({})).loss?.data).toBeAllClose([3600])
    for (const name of Object.keys(shapes))
      expect(store.view(name, 'gradient')).toEqual(new Float32Array(100).fill(12))
    await program.dispose()
  })

  it('says which parameter is too large', () => {
    expect(() =>
      createMemoryStore({ small: [10], large: [1000] }, ['gradient'], { memoryLimit: 4000 }),
    ).toThrow(
      "createStore: 'large' must be at most 4000 bytes with all its slots, but got 8064. " +
        'Use an optimizer with less state, or freeze this parameter.',
    )
  })

  it('is read in place: a program sees what is changed through a view, and writes where views look', async () => {
    const [, engine] = engines[0]!
    const store = engine.createStore({ w: [2] }, ['gradient']) as MemoryStore
    const { memory, offsets } = store.block('w')
    const program = await engine.compile(
      ({ inputs, parameters }) => ({ loss: tf.sum(tf.mul(get(inputs, 'x'), get(parameters, 'w'))) }),
      { inputs: { x: { shape: [2] } }, parameters: store, gradients: { of: 'loss', withRespectTo: ['w'] } },
    )
    const gradient = store.view('w', 'gradient')
    for (const value of [1, -3]) {
      new Float32Array(memory.buffer, offsets.value, 2).fill(value)
      expect((await program.run({ x: float32([value, 10]) })).loss?.data).toEqual(
        Float32Array.of(value * (value + 10)),
      )
      expect(gradient).toEqual(Float32Array.of(value, 10))
    }
    await program.dispose()
  })
})
