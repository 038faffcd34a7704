import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import * as schedules from '../src/schedules/index'
import type { PlateauOptions, Schedule } from '../src/schedules/index'

interface Reference {
  cases: { name: string; options: object; factors: number[] }[]
  plateaus: { metrics: number[]; cases: { options: PlateauOptions; rates: number[] }[] }
}
const reference = loadFixture<Reference>('train/schedules')

/** Our function for each name in `get_scheduler` and torch.optim.lr_scheduler. */
const builders: Record<string, (options: never) => Schedule> = {
  constant: schedules.constantSchedule,
  constant_with_warmup: schedules.constantWithWarmupSchedule,
  linear: schedules.linearSchedule,
  cosine: schedules.cosineSchedule,
  cosine_with_restarts: schedules.cosineWithRestartsSchedule,
  cosine_with_min_lr: schedules.cosineWithMinimumSchedule,
  polynomial: schedules.polynomialSchedule,
  inverse_sqrt: schedules.inverseSqrtSchedule,
  warmup_stable_decay: schedules.warmupStableDecaySchedule,
  StepLR: schedules.stepSchedule,
  MultiStepLR: schedules.multiStepSchedule,
  ExponentialLR: schedules.exponentialSchedule,
  ConstantLR: schedules.constantFactorSchedule,
  LinearLR: schedules.linearFactorSchedule,
  PolynomialLR: schedules.polynomialDecaySchedule,
  CosineAnnealingLR: schedules.cosineAnnealingSchedule,
  CosineAnnealingWarmRestarts: schedules.cosineWarmRestartsSchedule,
  CyclicLR: schedules.cyclicSchedule,
  OneCycleLR: schedules.oneCycleSchedule,
  LambdaLR: () => schedules.lambdaSchedule((step) => 1 / (1 + step / 10)),
  MultiplicativeLR: () => schedules.multiplicativeSchedule((step) => 1 - 1 / (step + 5)),
  SequentialLR: () =>
    schedules.sequentialSchedule(
      [
        schedules.linearFactorSchedule({ startFactor: 0.1, steps: 20 }),
        schedules.stepSchedule({ stepSize: 30, gamma: 0.5 }),
        schedules.exponentialSchedule({ gamma: 0.9 }),
      ],
      [20, 120],
    ),
  ChainedScheduler: () =>
    schedules.chainedSchedule([
      schedules.constantFactorSchedule({ factor: 0.25, steps: 40 }),
      schedules.stepSchedule({ stepSize: 30, gamma: 0.5 }),
      schedules.exponentialSchedule({ gamma: 0.99 }),
    ]),
}

describe('schedules', () => {
  it('are compared with every name of the reference', () => {
    expect(new Set(reference.cases.map(({ name }) => name))).toEqual(new Set(Object.keys(builders)))
  })

  const named = reference.cases.filter(({ name }) => schedules.scheduleNames.some((known) => known === name))
  it.each(named)('equal $name of $options by name', ({ name, options, factors }) => {
    const given = { warmupSteps: 0, totalSteps: 200, learningRate: 1, ...options } as Record<string, number>
    const { totalSteps, warmupSteps, learningRate, ...own } = given
    const run = { totalSteps, warmupSteps, learningRate } as schedules.ScheduledRun
    const schedule = schedules.scheduleByName({ name, ...own } as schedules.NamedSchedule, run)
    expect(factors.map((_, step) => schedule(step))).toBeAllClose(factors, { absolute: 1e-7 })
  })

  it('by name count epochs, and refuse settings of others', () => {
    const run = { totalSteps: 40, warmupSteps: 0, learningRate: 1, stepsPerEpoch: 10 }
    const halved = schedules.scheduleByName({ name: 'step', stepSize: 2, gamma: 0.5 }, run)
    expect([0, 19, 20, 39].map(halved)).toEqual([1, 1, 0.5, 0.5])
    const given = (settings: object) => () =>
      schedules.scheduleByName(settings as schedules.NamedSchedule, run)
    expect(given({ name: 'cosine', minRatio: 0.1 })).toThrow(
      "scheduleByName: 'minRatio' must be one of cycles, but got 'minRatio'.",
    )
    expect(given({ name: 'linear', cycles: 1 })).toThrow("'cycles' must be left out, but got 'cycles'.")
    expect(given({ name: 'cosine_with_min_lr' })).toThrow("'minRatio'")
    expect(given({ name: 'toString' })).toThrow("'name' must be one of constant,")
  })

  it.each(reference.cases)('equal $name of $options over 200 steps', ({ name, options, factors }) => {
    const schedule = builders[name]!(options as never)
    expect(factors).toHaveLength(200)
    const ours = factors.map((_, step) => schedule(step))
    expect(ours).toBeAllClose(factors, { absolute: 1e-7, relative: 0 })
    // Any step may be asked for first: nothing depends on the steps before.
    const fresh = builders[name]!(options as never)
    expect(fresh(150)).toBe(ours[150])
  })

  it('take the warm-up as a ratio, rounded up as the Trainer does', () => {
    const schedule = schedules.linearSchedule({ warmupRatio: 0.1, totalSteps: 95 })
    const counted = schedules.linearSchedule({ warmupSteps: 10, totalSteps: 95 })
    for (let step = 0; step < 95; step++) expect(schedule(step)).toBe(counted(step))
  })

  it('count epochs', () => {
    const schedule = schedules.epochSchedule(schedules.stepSchedule({ stepSize: 2, gamma: 0.5 }), 10)
    expect([0, 19, 20, 39, 40].map(schedule)).toEqual([1, 1, 0.5, 0.5, 0.25])
  })

  it('stay where a run of one cycle ends', () => {
    const schedule = schedules.oneCycleSchedule({ totalSteps: 10 })
    expect(schedule(9)).toBeCloseTo(1 / 25 / 1e4, 12)
    expect(schedule(25)).toBe(schedule(9))
    expect(schedules.oneCycleSchedule({ totalSteps: 1 })(0)).toBeGreaterThan(0)
  })

  it('end a polynomial whose warm-up is longer than the run', () => {
    const options = { totalSteps: 5, warmupSteps: 8, learningRate: 1, endLearningRate: 0.25 }
    const schedule = schedules.polynomialSchedule(options)
    expect([4, 7, 8, 9].map(schedule)).toEqual([0.5, 0.875, 0.25, 0.25])
  })

  it('refuse what cannot be meant', () => {
    expect(() => schedules.linearSchedule({ warmupRatio: 0.1, warmupSteps: 5, totalSteps: 10 })).toThrow(
      "linearSchedule: 'warmupRatio' must be left out when warmupSteps is given, but got 0.1. " +
        'Give the warm-up either as a number of steps or as a ratio.',
    )
    expect(() => schedules.cosineSchedule({ warmupRatio: 10, totalSteps: 10 })).toThrow(
      "cosineSchedule: 'warmupRatio' must be between 0 and 1, but got 10. " +
        'Pass a fraction of totalSteps, for instance 0.1, or use warmupSteps.',
    )
    expect(() => schedules.linearSchedule({ totalSteps: 1.5 })).toThrow(
      "linearSchedule: 'totalSteps' must be an integer of at least 0, but got 1.5. " +
        'Count optimizer steps, not examples or epochs.',
    )
  })

  it.each<[string, () => unknown]>([
    ['warmupSteps', () => schedules.constantWithWarmupSchedule({ warmupSteps: -1 })],
    ['minRatio', () => schedules.cosineWithMinimumSchedule({ totalSteps: 5, minRatio: 1.1 })],
    ['endLearningRate', () => schedules.polynomialSchedule({ totalSteps: 5, learningRate: 1e-8 })],
    ['timescale', () => schedules.inverseSqrtSchedule({ timescale: 0 })],
    [
      'decaySteps',
      () => schedules.warmupStableDecaySchedule({ totalSteps: 5, warmupSteps: 3, decaySteps: 3 }),
    ],
    ['stepSize', () => schedules.stepSchedule({ stepSize: 0 })],
    ['milestones', () => schedules.multiStepSchedule({ milestones: [1.5] })],
    ['factor', () => schedules.constantFactorSchedule({ factor: 2 })],
    ['startFactor', () => schedules.linearFactorSchedule({ startFactor: Number.NaN })],
    ['steps', () => schedules.cosineAnnealingSchedule({ steps: 0 })],
    ['growth', () => schedules.cosineWarmRestartsSchedule({ steps: 5, growth: 1.5 })],
    ['stepsUp', () => schedules.cyclicSchedule({ minRatio: 0, stepsUp: 0 })],
    ['startDivisor', () => schedules.oneCycleSchedule({ totalSteps: 5, startDivisor: 0 })],
    ['milestones', () => schedules.sequentialSchedule([schedules.constantSchedule()], [3])],
    ['stepsPerEpoch', () => schedules.epochSchedule(schedules.constantSchedule(), 0)],
    ['factor', () => schedules.lambdaSchedule(() => Number.NaN)(3)],
    ['patience', () => schedules.reduceOnPlateau({ learningRate: 1, patience: -1 })],
    ['factor', () => schedules.reduceOnPlateau({ learningRate: 1, factor: 1 })],
  ])('refuse a wrong %s', (argument, build) => {
    expect(build).toThrow(`'${argument}' must be`)
  })
})

describe('reduceOnPlateau', () => {
  it.each<[string, Partial<PlateauOptions>, number[], number[]]>([
    // As torch 2.13 has them.
    ['the worst infinity is no improvement', { patience: 1 }, [Infinity, Infinity, 1], [1, 0.1, 0.1]],
    ['nor is it of a highest', { mode: 'max', patience: 0 }, [-Infinity, 2, 3], [0.1, 0.1, 0.1]],
    ['nothing is better than the best infinity', { patience: 1 }, [-Infinity, 1, 1], [1, 1, 0.1]],
    ['nothing improves by the whole of it', { patience: 1, threshold: 1 }, [4, 3, 2], [1, 0.1, 0.1]],
  ])('%s', (_, options, metrics, scales) => {
    const rule = schedules.reduceOnPlateau({ learningRate: 1, ...options })
    let state = rule.initial
    for (const [index, metric] of metrics.entries()) {
      state = JSON.parse(JSON.stringify(rule.update(state, metric))) as typeof state
      expect(state.scale).toBe(scales[index])
    }
  })

  const { metrics, cases } = reference.plateaus

  it.each(cases)(
    'equals ReduceLROnPlateau with $options, saved and loaded half-way',
    ({ options, rates }) => {
      const rule = schedules.reduceOnPlateau(options)
      let state = rule.initial
      const ours = metrics.map((metric, index) => {
        if (index === 100) state = JSON.parse(JSON.stringify(state)) as typeof state
        state = rule.update(state, metric)
        return state.scale * options.learningRate
      })
      expect(new Set(rates).size).toBeGreaterThan(1)
      expect(ours).toBeAllClose(rates, { absolute: 1e-7, relative: 0 })
    },
  )

  it('refuses a metric that is no number', () => {
    const rule = schedules.reduceOnPlateau({ learningRate: 1 })
    expect(() => rule.update(rule.initial, Number.NaN)).toThrow("'metric' must be")
  })
})
