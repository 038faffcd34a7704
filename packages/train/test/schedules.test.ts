import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  constantSchedule,
  constantWithWarmupSchedule,
  cosineSchedule,
  linearSchedule,
  type Schedule,
} from '../src/index'

interface ScheduleCase {
  name: string
  warmup: number
  total: number
  cycles: number | null
  factors: number[]
}

const builders: Record<string, (reference: ScheduleCase) => Schedule> = {
  constant: () => constantSchedule(),
  constant_with_warmup: ({ warmup }) => constantWithWarmupSchedule({ warmupSteps: warmup }),
  linear: ({ warmup, total }) => linearSchedule({ warmupSteps: warmup, totalSteps: total }),
  cosine: ({ warmup, total, cycles }) =>
    cosineSchedule({ warmupSteps: warmup, totalSteps: total, ...(cycles === null ? {} : { cycles }) }),
}

describe('schedules', () => {
  it.each(loadFixture<{ cases: ScheduleCase[] }>('train/schedules').cases)(
    'equal get_scheduler("$name"), warm-up $warmup of $total',
    (reference) => {
      const schedule = builders[reference.name]?.(reference)
      const factors = reference.factors.map((_, step) => schedule?.(step) ?? Number.NaN)
      expect(factors).toBeAllClose(reference.factors, { absolute: 1e-7, relative: 0 })
    },
  )

  it('take the warm-up as a ratio, rounded up as the Trainer does', () => {
    const schedule = linearSchedule({ warmupRatio: 0.1, totalSteps: 95 })
    const reference = linearSchedule({ warmupSteps: 10, totalSteps: 95 })
    for (let step = 0; step < 95; step++) expect(schedule(step)).toBe(reference(step))
  })

  it('refuse what cannot be meant', () => {
    expect(() => linearSchedule({ warmupRatio: 0.1, warmupSteps: 5, totalSteps: 10 })).toThrow(
      "linearSchedule: 'warmupRatio' must be left out when warmupSteps is given, but got 0.1. " +
        'Give the warm-up either as a number of steps or as a ratio.',
    )
    expect(() => cosineSchedule({ warmupRatio: 10, totalSteps: 10 })).toThrow(
      "cosineSchedule: 'warmupRatio' must be between 0 and 1, but got 10. " +
        'Pass a fraction of totalSteps, for instance 0.1, or use warmupSteps.',
    )
    expect(() => linearSchedule({ totalSteps: 1.5 })).toThrow(
      "linearSchedule: 'totalSteps' must be an integer of at least 0, but got 1.5. " +
        'Count optimizer steps, not examples or epochs.',
    )
    expect(() => constantWithWarmupSchedule({ warmupSteps: -1 })).toThrow("'warmupSteps' must be an integer")
  })
})
