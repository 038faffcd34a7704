import { tf } from '@tfx/compiler'
import { describe, expect, it } from 'vitest'
import { dropout, type Engine } from '../src/index'
import { engines, float32, get } from './engines'

const size = 20_000

/** Two masks of ones in one run, and the gradient of the first one's sum. */
async function drop(engine: Engine, seeds: readonly number[], rate = 0.1) {
  const store = engine.createStore({ x: [size] }, ['gradient'])
  store.write('x', new Float32Array(size).fill(1))
  const program = await engine.compile(
    ({ parameters }) => {
      const first = dropout(get(parameters, 'x'), rate)
      return { first, second: dropout(get(parameters, 'x'), rate), loss: tf.sum(first) }
    },
    { inputs: {}, parameters: store, gradients: { of: 'loss', withRespectTo: ['x'] } },
  )
  const runs = []
  for (const seed of seeds) {
    const { first, second } = await program.run({}, { seed })
    runs.push({
      first: first?.data as Float32Array,
      second: second?.data as Float32Array,
      gradient: await store.read('x', 'gradient'),
    })
  }
  await program.dispose()
  store.dispose()
  return runs
}

type Run = Awaited<ReturnType<typeof drop>>[number]

const keptFraction = (mask: Float32Array) => mask.filter((value) => value !== 0).length / mask.length
const agreement = (a: Float32Array, b: Float32Array) =>
  a.filter((value, index) => value === b[index]).length / a.length

describe.each(engines)('dropout on the %s engine', (_, engine) => {
  it.each([0.1, 0.5, 0.9])('keeps 1 - %d of the elements, scaled up', async (rate) => {
    const [{ first: mask }] = (await drop(engine, [3], rate)) as [Run]
    // Five standard deviations.
    expect(Math.abs(keptFraction(mask) - (1 - rate))).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / size))
    expect(mask).toBeAllClose(mask.map((value) => (value === 0 ? 0 : 1 / (1 - rate))))
  })

  it('uses one mask forward and backward', async () => {
    const [run] = await drop(engine, [5])
    expect(run?.gradient).toEqual(run?.first)
  })

  it('makes independent masks: in one run, in the next, at neighbouring seeds and elements', async () => {
    const runs = await drop(engine, [0, 1, 2, 1])
    const masks = runs.slice(0, 3).flatMap(({ first, second }) => [first, second])
    // Two independent masks of rate 0.1 agree in 0.82 of the elements.
    const spread = 5 * Math.sqrt((0.82 * 0.18) / size)
    for (const [index, mask] of masks.entries()) {
      for (const other of masks.slice(0, index))
        expect(Math.abs(agreement(mask, other) - 0.82)).toBeLessThan(spread)
      for (const shift of [1, 2, 4, 8]) {
        expect(Math.abs(agreement(mask.subarray(shift), mask) - 0.82)).toBeLessThan(spread)
      }
    }
    expect(runs[3]).toEqual(runs[1])
  })

  it('of rate 0 is the identity and needs no seed', async () => {
    const program = await engine.compile(({ inputs }) => ({ y: dropout(get(inputs, 'x'), 0) }), {
      inputs: { x: { shape: [2] } },
    })
    expect((await program.run({ x: float32([1, 2]) })).y?.data).toEqual(Float32Array.of(1, 2))
    await program.dispose()
  })

  it('makes masks of any size of a named axis', async () => {
    const program = await engine.compile(({ inputs }) => ({ y: dropout(get(inputs, 'x'), 0.5) }), {
      inputs: { x: { shape: ['batch', 3] } },
    })
    for (const batch of [1, 700, 2]) {
      const x = float32(new Float32Array(batch * 3).fill(1), [batch, 3])
      const { y } = await program.run({ x }, { seed: 1 })
      expect(y?.shape).toEqual([batch, 3])
      expect([0, 2]).toEqual(expect.arrayContaining([...new Set(y?.data)]))
    }
    await program.dispose()
  })

  it('asks for a seed', async () => {
    const program = await engine.compile(({ inputs }) => ({ y: dropout(get(inputs, 'x'), 0.5) }), {
      inputs: { x: { shape: [2] } },
    })
    await expect(program.run({ x: float32([1, 2]) })).rejects.toThrow(
      "run: 'seed' must be given, since the step uses dropout, but got undefined. " +
        'Pass { seed } to run, or compile the step without dropout for evaluation.',
    )
    await program.dispose()
  })

  it.each([1, -0.1, Number.NaN])('refuses the rate %d', async (rate) => {
    await expect(drop(engine, [1], rate)).rejects.toThrow(
      `dropout: 'rate' must be at least 0 and below 1, but got ${rate}. Pass the probability to drop an element`,
    )
  })
})

it('is the same on every engine', async () => {
  const [onnx, tfjs] = await Promise.all(engines.map(([, engine]) => drop(engine, [0, 7, -3, 2 ** 31])))
  expect(onnx).toEqual(tfjs)
})

it('is refused outside of a step', () => {
  expect(() => dropout(tf.ones([2]), 0.5)).toThrow(
    'dropout: is called outside of a compiled step. Compile the function by an engine and pass { seed } to run',
  )
})
