import { tf } from '@tfx/compiler'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accumulateSlot, clipCoefficient, copySlot, findNonFinite, globalNorm } from '../src/index'
import { storeKinds } from './stores'

describe.each(storeKinds)('gradients in a %s store', (_, createStore) => {
  it('have the norm of one long vector', async () => {
    const store = createStore({ a: [3], b: [2, 2] }, ['gradient'])
    store.write('a', Float32Array.of(1, -2, 3), 'gradient')
    store.write('b', Float32Array.of(4, 5, -6, 7), 'gradient')
    expect(await globalNorm(store, ['a', 'b'])).toBeCloseTo(Math.sqrt(140), 5)
    expect(await globalNorm(store, ['a'])).toBeCloseTo(Math.sqrt(14), 5)
    expect(await globalNorm(store, ['b'], 'value')).toBe(0)
    expect(() => copySlot(store, ['a'], { from: 'best', to: 'value' })).toThrow(
      "copySlot: 'store' must be a store with the slots 'best'",
    )
  })

  it('have an exact norm when long or of any length', async () => {
    const check = async (length: number) => {
      const gradient = Float32Array.from({ length }, (_, index) => Math.cos(index * 12.9898) * 3)
      const store = createStore({ a: [length] }, ['gradient'])
      store.write('a', gradient, 'gradient')
      const exact = Math.sqrt(gradient.reduce((sum, element) => sum + element * element, 0))
      expect(Math.abs((await globalNorm(store, ['a'])) / exact - 1)).toBeLessThan(1e-6)
      store.dispose()
    }
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 70 }), check), { numRuns: 70 })
    await check(150_001)
  })

  it('have a finite norm where float32 squares overflow', async () => {
    const store = createStore({ a: [2] }, ['gradient'])
    store.write('a', Float32Array.of(3e30, 4e30), 'gradient')
    expect((await globalNorm(store, ['a'])) / 5e30).toBeCloseTo(1, 6)
    expect(await findNonFinite(store, ['a'])).toBeUndefined()
  })

  it.each([Number.NaN, Infinity, -Infinity])('tell which one holds %d, anywhere in it', async (bad) => {
    for (const index of [0, 6, 18]) {
      const store = createStore({ a: [4], b: [19], c: [3] }, ['gradient'])
      for (const name of ['b', 'c']) {
        const gradient = await store.read(name, 'gradient')
        gradient[name === 'b' ? index : 0] = bad
        store.write(name, gradient, 'gradient')
      }
      expect(await globalNorm(store, ['a', 'b', 'c'])).not.toBeLessThan(Infinity)
      expect(await findNonFinite(store, ['a', 'b', 'c'])).toBe('b')
    }
  })

  it('accumulate with weights, overwriting stale sums', async () => {
    const length = 11
    const gradient = Float32Array.from({ length }, (_, index) => index - 5)
    const store = createStore({ a: [length] }, ['gradient', 'accumulated'])
    store.write('a', new Float32Array(length).fill(Number.NaN), 'accumulated')
    store.write('a', gradient, 'gradient')
    const before = tf.memory().numTensors
    const slots = { from: 'gradient', to: 'accumulated' }
    accumulateSlot(store, ['a'], { ...slots, scale: 3, keep: 0 })
    expect([...(await store.read('a', 'accumulated'))]).toEqual([...gradient].map((element) => 3 * element))
    accumulateSlot(store, ['a'], { ...slots, scale: -0.5 })
    expect([...(await store.read('a', 'accumulated'))]).toEqual([...gradient].map((element) => 2.5 * element))
    expect([...(await store.read('a', 'gradient'))]).toEqual([...gradient])
    expect(tf.memory().numTensors).toBe(before)
  })

  it('copies are independent', async () => {
    const store = createStore({ a: [3], b: [1] }, ['best'])
    store.write('a', Float32Array.of(1, 2, 3))
    store.write('b', Float32Array.of(9))
    copySlot(store, ['a'], { from: 'value', to: 'best' })
    store.write('a', Float32Array.of(4, 5, 6))
    expect([...(await store.read('a', 'best'))]).toEqual([1, 2, 3])
    expect([...(await store.read('b', 'best'))]).toEqual([0])
    copySlot(store, ['a'], { from: 'best', to: 'value' })
    expect([...(await store.read('a'))]).toEqual([1, 2, 3])
  })
})

describe('clipCoefficient', () => {
  it('scales down only what is too long, and nothing when off', () => {
    expect(clipCoefficient(4, 1)).toBeCloseTo(1 / (4 + 1e-6), 12)
    expect(clipCoefficient(0.5, 1)).toBe(1)
    expect(clipCoefficient(0, 1)).toBe(1)
    expect(clipCoefficient(1e9, 0)).toBe(1)
  })
})
