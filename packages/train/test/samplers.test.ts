import { createRandom } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  choice,
  gridSampler,
  integer,
  logUniform,
  type Objective,
  randomSampler,
  type Sampler,
  search,
  type SearchSpace,
  tpeSampler,
  type TrialRecord,
  uniform,
} from '../src/index'

const seeds = Array.from({ length: 20 }, (_, seed) => seed)

/** In how many of 20 seeds one sampler finds a better minimum than random search. */
async function winsOver20<Space extends SearchSpace>(
  task: { space: Space; objective: Objective<Space>; trials: number },
  sampler: Sampler,
): Promise<number> {
  let wins = 0
  for (const seed of seeds) {
    const [own, random] = [
      await search({ ...task, sampler, seed }),
      await search({ ...task, sampler: randomSampler(), seed }),
    ]
    if (own.best!.value! < random.best!.value!) wins++
  }
  return wins
}

/** The probability of at least so many wins in 20 fair games: the one-sided sign test. */
function chanceOf(wins: number): number {
  let ways = 0
  let choose = 1
  for (let k = 0; k <= 20; k++) {
    if (k >= wins) ways += choose
    choose = (choose * (20 - k)) / (k + 1)
  }
  return ways / 2 ** 20
}

/** Its minimum is 0.397887. */
const branin = {
  space: { x: uniform(-5, 10), y: uniform(0, 15) },
  objective: ({ x, y }: { x: number; y: number }) =>
    (y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6) ** 2 +
    10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
    10,
}

const mixed = {
  space: {
    rate: logUniform(1e-6, 1),
    layers: integer(1, 12),
    optimizer: choice(['adamW', 'lion', 'sgd']),
  },
  objective: ({ rate, layers, optimizer }: { rate: number; layers: number; optimizer: string }) =>
    (Math.log10(rate) + 3) ** 2 + ((layers - 4) / 4) ** 2 + (optimizer === 'lion' ? 0 : 1),
}

describe('tpeSampler', () => {
  // By chance alone so many wins would have a probability below 1 %.
  it('finds better minima of Branin than random search', async () => {
    expect(chanceOf(await winsOver20({ ...branin, trials: 100 }, tpeSampler()))).toBeLessThan(0.01)
  })

  it.each([false, true])('and of a bowl with a choice, multivariate %s', async (multivariate) => {
    const wins = await winsOver20({ ...mixed, trials: 40 }, tpeSampler({ multivariate }))
    expect(chanceOf(wins)).toBeLessThan(0.01)
  })

  it('maximizes the same way', async () => {
    const least = await search({ ...mixed, trials: 30 })
    const objective: typeof mixed.objective = (parameters) => -mixed.objective(parameters)
    const most = await search({ ...mixed, objective, direction: 'maximize', trials: 30 })
    expect(most.trials.map(({ parameters }) => parameters)).toEqual(
      least.trials.map(({ parameters }) => parameters),
    )
  })

  it('does not try what is being tried', () => {
    const space = { kind: choice(['a', 'b']) }
    const tried = (number: number, kind: string, value?: number): TrialRecord => {
      const state = value === undefined ? ('running' as const) : ('complete' as const)
      return { number, parameters: { kind }, state, reports: [], ...(value !== undefined && { value }) }
    }
    const finished = Array.from({ length: 10 }, (_, i) => tried(i, i % 2 ? 'a' : 'b', i === 1 ? 0 : 1))
    const suggest = (trials: TrialRecord[]) =>
      seeds.map((seed) => tpeSampler().suggest({ space, trials, direction: 'minimize', seed })!.kind)
    expect(new Set(suggest(finished))).toEqual(new Set(['a']))
    const running = Array.from({ length: 20 }, (_, i) => tried(10 + i, 'a'))
    expect(suggest([...finished, ...running])).toContain('b')
  })
})

describe('gridSampler', () => {
  const space = {
    optimizer: choice(['adamW', 'lion']),
    layers: integer(1, 3),
    rate: logUniform(1e-5, 1e-1),
    width: integer(1, 4, { log: true }),
  }

  it('tries every combination once, and then ends', async () => {
    const { trials } = await search({ space, objective: () => 0, sampler: gridSampler({ points: 3 }) })
    const tried = trials.map(({ parameters: { optimizer, layers, rate, width } }) =>
      [optimizer, layers, rate.toExponential(3), width].join(' '),
    )
    const wanted = ['adamW', 'lion'].flatMap((optimizer) =>
      [1, 2, 3].flatMap((layers) =>
        [1e-5, 1e-3, 1e-1].flatMap((rate) =>
          [1, 2, 4].map((width) => [optimizer, layers, rate.toExponential(3), width].join(' ')),
        ),
      ),
    )
    expect(tried.sort()).toEqual(wanted.sort())
  })

  it('has an order that the seed decides', async () => {
    const order = async (seed: number) => {
      const { trials } = await search({ space, objective: () => 0, sampler: gridSampler(), seed, trials: 9 })
      return trials.map(({ parameters }) => parameters)
    }
    expect(await order(1)).toEqual(await order(1))
    expect(await order(1)).not.toEqual(await order(2))
  })
})

describe.each<[string, Sampler]>([
  ['randomSampler', randomSampler()],
  ['tpeSampler', tpeSampler({ startupTrials: 2 })],
  ['tpeSampler, multivariate', tpeSampler({ startupTrials: 2, multivariate: true })],
])('%s', (_, sampler) => {
  it('stays within the space', async () => {
    const space = {
      a: uniform(-2, -1),
      b: logUniform(1e-9, 1e-8),
      c: integer(3, 5),
      d: integer(1, 100, { log: true }),
      e: choice([true, null, 'x', 7]),
      f: integer(4, 4),
    }
    const inside = async (seed: number) => {
      const random = createRandom(seed)
      const { trials } = await search({ space, objective: () => random.normal(), sampler, seed, trials: 20 })
      for (const { parameters } of trials) {
        const { a, b, c, d, e, f } = parameters
        expect(a >= -2 && a <= -1 && b >= 1e-9 && b <= 1e-8).toBe(true)
        expect([3, 4, 5]).toContain(c)
        expect(Number.isInteger(d) && d >= 1 && d <= 100).toBe(true)
        expect([true, null, 'x', 7]).toContain(e)
        expect(f).toBe(4)
      }
    }
    await fc.assert(fc.asyncProperty(fc.integer(), inside), { numRuns: 10, seed: 1 })
  })

  it('suggests the same for the same seed', async () => {
    const points = async (seed: number) =>
      (await search({ ...branin, sampler, seed, trials: 15 })).trials.map(({ parameters }) => parameters)
    expect(await points(3)).toEqual(await points(3))
    expect(await points(3)).not.toEqual(await points(4))
  })
})

describe('what cannot be meant is refused', () => {
  it.each<[() => unknown, string]>([
    [() => uniform(1, 1), "uniform: 'low, high' must be two finite numbers, the lower first, but got 1, 1."],
    [() => logUniform(0, 1), "logUniform: 'low, high' must be two finite numbers above 0, the lower first"],
    [() => integer(1.5, 3), "integer: 'low, high' must be two integers, the lower first"],
    [() => integer(0, 3, { log: true }), 'both at least 1 with log, but got 0, 3.'],
    [() => choice([]), "choice: 'choices' must be one or more values, all different, but got []."],
    [() => choice(['a', 'a']), 'all different, but got ["a","a"].'],
    [() => gridSampler({ points: 1 }), "gridSampler: 'points' must be an integer of at least 2, but got 1."],
    [() => tpeSampler({ candidates: 0 }), "tpeSampler: 'candidates' must be an integer of at least 1"],
  ])('%o', (make, message) => {
    expect(make).toThrow(message)
  })
})
