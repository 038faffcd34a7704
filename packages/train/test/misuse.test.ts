import { describe, expect, it } from 'vitest'
import * as train from '../src/index'

type Options = Record<string, unknown>
type Function = keyof typeof train

/** What every function is called with, and what of it can be wrong. */
const functions: Partial<Record<Function, [Options, string[]]>> = {
  sgd: [{ momentum: 0.9 }, ['momentum', 'dampening', 'nesterov', 'weightDecay']],
  adam: [{}, ['betas', 'epsilon', 'weightDecay']],
  adamW: [{}, ['betas', 'epsilon', 'weightDecay']],
  rAdam: [{}, ['betas', 'epsilon', 'weightDecay', 'decoupledWeightDecay']],
  nAdam: [{}, ['betas', 'epsilon', 'weightDecay', 'decoupledWeightDecay', 'momentumDecay']],
  rmsProp: [{}, ['alpha', 'epsilon', 'momentum', 'centered', 'weightDecay']],
  adagrad: [{}, ['learningRateDecay', 'initialAccumulatorValue', 'epsilon', 'weightDecay']],
  lion: [{}, ['betas', 'weightDecay']],
  lamb: [{}, ['betas', 'epsilon', 'weightDecay']],
  adafactor: [
    {},
    ['epsilon', 'clipThreshold', 'decayRate', 'beta1', 'weightDecay', 'scaleParameter', 'relativeStep'],
  ],
  scheduleFreeAdamW: [{}, ['betas', 'epsilon', 'weightDecay', 'averagePower', 'learningRatePower']],
  muon: [{}, ['momentum', 'nesterov', 'weightDecay', 'coefficients', 'iterations', 'epsilon', 'adjustment']],
  constantWithWarmupSchedule: [{ warmupSteps: 3 }, ['warmupSteps']],
  linearSchedule: [{ totalSteps: 100 }, ['totalSteps', 'warmupSteps', 'warmupRatio']],
  cosineSchedule: [{ totalSteps: 100 }, ['totalSteps', 'warmupSteps', 'warmupRatio', 'cycles']],
  cosineWithRestartsSchedule: [{ totalSteps: 100 }, ['totalSteps', 'warmupSteps', 'warmupRatio', 'cycles']],
  cosineWithMinimumSchedule: [{ totalSteps: 100, minRatio: 0.1 }, ['totalSteps', 'cycles', 'minRatio']],
  polynomialSchedule: [
    { totalSteps: 100, learningRate: 0.1 },
    ['totalSteps', 'warmupSteps', 'warmupRatio', 'learningRate', 'endLearningRate', 'power'],
  ],
  inverseSqrtSchedule: [{}, ['warmupSteps', 'timescale']],
  warmupStableDecaySchedule: [
    { totalSteps: 100, decaySteps: 5 },
    ['totalSteps', 'warmupSteps', 'warmupRatio', 'decaySteps', 'warmupShape', 'decayShape', 'minRatio'],
  ],
  stepSchedule: [{ stepSize: 3 }, ['stepSize', 'gamma']],
  multiStepSchedule: [{ milestones: [3] }, ['milestones', 'gamma']],
  exponentialSchedule: [{ gamma: 0.9 }, ['gamma']],
  constantFactorSchedule: [{}, ['factor', 'steps']],
  linearFactorSchedule: [{}, ['startFactor', 'endFactor', 'steps']],
  polynomialDecaySchedule: [{}, ['steps', 'power']],
  cosineAnnealingSchedule: [{ steps: 3 }, ['steps', 'minRatio']],
  cosineWarmRestartsSchedule: [{ steps: 3 }, ['steps', 'growth', 'minRatio']],
  cyclicSchedule: [{ minRatio: 0.1 }, ['minRatio', 'stepsUp', 'stepsDown', 'mode', 'gamma']],
  oneCycleSchedule: [
    { totalSteps: 100 },
    ['totalSteps', 'riseRatio', 'startDivisor', 'endDivisor', 'shape', 'threePhase'],
  ],
  reduceOnPlateau: [
    { learningRate: 0.1 },
    [
      ...['learningRate', 'mode', 'factor', 'patience', 'threshold'],
      ...['thresholdMode', 'cooldown', 'minLearningRate', 'epsilon'],
    ],
  ],
}
const wrong = [NaN, Infinity, -Infinity, '0.1', 'true', null, {}, [Number.NaN]]
const run = { totalSteps: 100, warmupSteps: 10, learningRate: 0.1 }
const names: Record<string, [Options, string[]]> = {
  constant: [{}, []],
  linear: [{}, []],
  cosine: [{}, ['cycles']],
  cosine_with_min_lr: [{ minRatio: 0.1 }, ['minRatio', 'cycles']],
  polynomial: [{}, ['endLearningRate', 'power']],
  inverse_sqrt: [{}, ['timescale']],
  warmup_stable_decay: [{ decaySteps: 3 }, ['decaySteps', 'warmupShape', 'decayShape', 'minRatio']],
  step: [{ stepSize: 2 }, ['stepSize', 'gamma']],
}

function expectRefused(argument: string, make: () => unknown) {
  let error: unknown
  try {
    make()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ name: 'ArgumentError' })
  expect((error as Error).message).toContain(`'${argument}' must be`)
}

describe('settings that cannot be meant are refused by name', () => {
  it.each(Object.entries(functions))('%s', (name, [given, own]) => {
    const make = train[name as Function] as (options: Options) => unknown
    make(given)
    expectRefused('momentun', () => make({ ...given, momentun: 0.9 }))
    for (const argument of own) {
      for (const value of wrong) expectRefused(argument, () => make({ ...given, [argument]: value }))
    }
  })

  it.each(Object.entries(names))('the schedule by the name %s', (name, [given, own]) => {
    const make = (options: Options) =>
      train.scheduleByName({ name, ...given, ...options } as train.NamedSchedule, run)
    make({})
    expectRefused('cicles', () => make({ cicles: 1 }))
    for (const argument of own) {
      for (const value of wrong) expectRefused(argument, () => make({ [argument]: value }))
    }
  })

  it('names', () => {
    for (const name of [null, undefined, 'Cosine', {}, 3]) {
      expectRefused('name', () => train.scheduleByName(name as train.ScheduleName, run))
      expectRefused('name', () => train.optimizerByName(name as train.OptimizerName))
    }
    for (const name of train.optimizerNames) {
      for (const weightDecay of [...wrong, -1]) {
        expectRefused('weightDecay', () =>
          train.optimizerByName(name, { weightDecay: weightDecay as number }),
        )
      }
      expectRefused('momentum', () => train.optimizerByName(name, { momentum: 0.5 } as object))
    }
  })

  it('and what else is needed', () => {
    expectRefused('betas', () => train.scheduleFreeAdamW({ betas: [0, 0.9] }))
    expectRefused('weightDecay', () => train.parameterGroups(['w'], { weightDecay: NaN }))
    const shares = [{ optimizer: train.sgd(), learningRateScale: -1 }]
    expectRefused('learningRateScale', () => train.combineOptimizers(shares))
    expectRefused('factor', () => train.lambdaSchedule(1 as never))
    expectRefused('schedules', () => train.chainedSchedule([0.5 as never]))
    // The whole of a run is welcome where only a part of it is needed.
    for (const schedule of [
      train.constantWithWarmupSchedule,
      train.inverseSqrtSchedule,
      train.linearSchedule,
    ]) {
      expect(schedule({ ...run, stepsPerEpoch: 10 } as typeof run)(5)).toBe(0.5)
    }
  })
})
