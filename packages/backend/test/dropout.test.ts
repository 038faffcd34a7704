import { tf } from '@tfx/compiler'
import { describe, expect, it } from 'vitest'
import { dropout, type Engine, stochasticDepth, uniformNoise } from '../src/index'
import { engines, float32, get, wave } from './engines'

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
      "run: 'seed' must be given, since the step uses dropout or other random numbers, but got undefined. " +
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

describe.each(engines)('stochastic depth on the %s engine', (_, engine) => {
  const rows = 1000
  async function leaveOut(rate: number, seed: number) {
    const program = await engine.compile(({ inputs }) => ({ y: stochasticDepth(get(inputs, 'x'), rate) }), {
      inputs: { x: { shape: ['batch', 2, 3] } },
    })
    const x = wave([rows, 2, 3])
    const { y } = await program.run({ x: float32(x, [rows, 2, 3]) }, { seed })
    await program.dispose()
    return { x, y: y?.data as Float32Array }
  }

  it('leaves out whole rows and scales the others', async () => {
    const rate = 0.25
    const { x, y } = await leaveOut(rate, 3)
    const isKept = Array.from({ length: rows }, (_, row) => y[row * 6] !== 0)
    expect(y).toBeAllClose(
      x.map((value, index) => (isKept[Math.floor(index / 6)] ? value / (1 - rate) : 0)),
      { absolute: 1e-6, relative: 1e-6 },
    )
    // Five standard deviations.
    const kept = isKept.filter(Boolean).length / rows
    expect(Math.abs(kept - (1 - rate))).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / rows))
    expect((await leaveOut(rate, 3)).y).toEqual(y)
    expect((await leaveOut(rate, 4)).y).not.toEqual(y)
  })

  it('refuses a rate of 1', async () => {
    await expect(leaveOut(1, 0)).rejects.toThrow(
      "stochasticDepth: 'rate' must be at least 0 and below 1, but got 1. Pass the probability to leave the branch out",
    )
  })
})

/** Two draws of one run with a mask between them. */
async function noise(engine: Engine, seed: number) {
  const program = await engine.compile(
    ({ inputs }) => {
      const x = get(inputs, 'x')
      const first = uniformNoise(x.shape)
      return { first, mask: dropout(x, 0.5), second: uniformNoise(x.shape) }
    },
    { inputs: { x: { shape: ['size'] } } },
  )
  const { first, second } = await program.run({ x: float32(new Float32Array(size).fill(1)) }, { seed })
  await program.dispose()
  return { first: first?.data as Float32Array, second: second?.data as Float32Array }
}

it.each(engines)('uniform noise fills [-1, 1] evenly on the %s engine', async (_, engine) => {
  const { first, second } = await noise(engine, 5)
  const other = await noise(engine, 6)
  for (const numbers of [first, second, other.first]) {
    const counts = new Array<number>(20).fill(0)
    for (const number of numbers) counts[Math.min(19, Math.floor((number + 1) * 10))]! += 1
    // Chi-squared with 19 degrees of freedom exceeds 45 once in a thousand.
    const expected = size / counts.length
    expect(counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(45)
  }
  for (const [a, b] of [
    [first, second],
    [first, other.first],
    [first, first.subarray(1)],
  ] as const) {
    const pairs = Math.min(a.length, b.length)
    const correlation = (3 / pairs) * b.reduce((sum, value, index) => sum + value * a[index]!, 0)
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(pairs))
  }
})

it('uniform noise is the same on every engine', async () => {
  const [onnx, tfjs] = await Promise.all(engines.map(([, engine]) => noise(engine, 11)))
  expect(onnx).toEqual(tfjs)
})

it('is refused outside of a step', () => {
  expect(() => dropout(tf.ones([2]), 0.5)).toThrow(
    'dropout: is called outside of a compiled step. Compile the function by an engine and pass { seed } to run',
  )
})
