import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  medianPruner,
  type Pruner,
  type SearchDirection,
  type SearchParameters,
  type SearchSpace,
  successiveHalvingPruner,
  type TrialRecord,
} from '../src/index'
import { logGaussianMass } from '../src/search/gaussian-mass'
import { applyEntry, type JournalEntry } from '../src/search/journal'
import { logDensity, parzenEstimator } from '../src/search/parzen-estimator'
import { splitTrials } from '../src/search/tpe-sampler'

interface ParzenCase {
  label: string
  space: SearchSpace
  observations: SearchParameters[]
  weights: number[]
  kernels: Record<string, { means?: number[]; deviations?: number[]; probabilities?: number[][] }>
  points: SearchParameters[]
  logDensities: number[]
}

interface PruningCase {
  label: string
  direction: SearchDirection
  entries: JournalEntry[]
}

interface Reference {
  parzen: ParzenCase[]
  splits: { direction: SearchDirection; trials: TrialRecord[]; good: number[]; others: number[] }[]
  median: PruningCase[]
  laterMedian: PruningCase[]
  halving: PruningCase[]
  slowHalving: PruningCase[]
}

const reference = loadFixture<Reference>('train/search')

function expectClose(actual: readonly number[], expected: readonly number[]) {
  expect(actual).toHaveLength(expected.length)
  for (const [index, value] of expected.entries()) {
    expect(Math.abs(actual[index]! - value)).toBeLessThanOrEqual(1e-10 * Math.max(1, Math.abs(value)))
  }
}

describe('the Parzen estimator', () => {
  it.each(reference.parzen)(
    'is that of Optuna: $label',
    ({ space, observations, weights, kernels, points, logDensities }) => {
      const estimator = parzenEstimator(space, observations)
      expectClose(estimator.weights, weights)
      for (const [name, own] of Object.entries(estimator.kernels)) {
        const { means = [], deviations = [], probabilities = [] } = kernels[name]!
        if (own.kind === 'choice') expectClose(own.probabilities.flat(), probabilities.flat())
        else {
          expectClose(own.means, means)
          expectClose(own.deviations, deviations)
        }
      }
      expectClose(
        points.map((point) => logDensity(estimator, point)),
        logDensities,
      )
    },
  )

  it('knows the tails of the normal distribution, also where the probability is 0 in float64', () => {
    // By mpmath.
    const exact: [number, number, number][] = [
      [-1, 1, -0.381715146302126],
      [-0.5, 3, -0.3709005595620325],
      [-0.001, 0.002, -6.72808202351855],
      [0.5, 0.75, -2.5021319204099832],
      [-9, -2, -3.783184333682032],
      [-41, -40, -804.608442013753],
      [30, 30.5, -454.321244221885],
    ]
    for (const [low, high, log] of exact) {
      expect(Math.abs(logGaussianMass(low, high) - log)).toBeLessThan(1e-13 * Math.max(1, -log))
      expect(logGaussianMass(-high, -low)).toBe(logGaussianMass(low, high))
    }
  })
})

describe('the split of trials', () => {
  it.each(reference.splits)('is that of Optuna, to $direction', ({ direction, trials, good, others }) => {
    const numbered = revived(trials).map((trial) => ({ ...trial, parameters: { number: trial.number } }))
    const split = splitTrials(numbered, direction)
    expect(split.good).toEqual(good.map((number) => ({ number })))
    expect(split.others).toEqual(others.map((number) => ({ number })))
  })
})

describe.each<[string, Pruner, PruningCase[]]>([
  ['medianPruner', medianPruner(), reference.median],
  ['medianPruner later', medianPruner({ startupTrials: 2, warmupSteps: 4 }), reference.laterMedian],
  ['successiveHalvingPruner', successiveHalvingPruner(), reference.halving],
  [
    'successiveHalvingPruner slow',
    successiveHalvingPruner({ minResource: 3, reductionFactor: 2 }),
    reference.slowHalving,
  ],
])('%s', (_, pruner, cases) => {
  it.each(cases)('says to each report what Optuna says $label', ({ direction, entries }) => {
    let trials: readonly TrialRecord[] = []
    const said: boolean[] = []
    for (const entry of entries.map(withNumbers)) {
      trials = applyEntry(trials, entry)
      if (entry.type !== 'report') continue
      const trial = trials[entry.trial]!
      const reports = [...trial.reports.slice(0, -1), { ...trial.reports.at(-1)!, prune: false }]
      said.push(pruner.shouldPrune({ trial: { ...trial, reports }, trials, direction }))
    }
    const expected = entries.flatMap((entry) => (entry.type === 'report' ? [entry.prune] : []))
    expect(expected.filter((prune) => prune).length).toBeGreaterThan(1)
    expect(said).toEqual(expected)
  })
})

/** JSON has no NaN and no infinities: the fixture has their names. */
const withNumbers = <T extends object>(record: T): T =>
  'value' in record ? { ...record, value: Number(record.value) } : record

const revived = (trials: TrialRecord[]) =>
  trials.map((trial) => withNumbers({ ...trial, reports: trial.reports.map(withNumbers) }))
