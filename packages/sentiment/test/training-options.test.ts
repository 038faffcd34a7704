import { epochSchedule, lion, optimizerNames, stepSchedule, TrainingAbortedError } from '@tfx/train'
import { describe, expect, it } from 'vitest'
import { type SentimentModel, transfer } from '../src/index'
import { base, failureOf, quick, refusal, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 60 })
const texts = rows.slice(0, 5).map(({ text }) => text)

/** The rate that each optimizer learns the toy task with. */
const rates: Partial<Record<string, number>> = {
  sgd: 0.1,
  lion: 3e-3,
  adagrad: 0.02,
  rAdam: 0.02,
  scheduleFreeAdamW: 0.02,
}

describe('the options of training', () => {
  it.each(optimizerNames)('learns by %s', async (optimizer) => {
    const model = await transfer(base, rows, {
      ...quick,
      epochs: 15,
      dropout: 0,
      validation: false,
      optimizer,
      learningRate: rates[optimizer] ?? 5e-3,
    })
    const losses = model.training!.history.map(({ loss }) => loss)
    const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss / part.length, 0)
    expect(mean(losses.slice(-8))).toBeLessThan(0.5 * mean(losses.slice(0, 8)))
    expect(model.settings).toContainEqual({ name: 'optimizer', value: optimizer, origin: 'option' })
    await model.dispose()
  })

  it('stops after so many steps, evaluates by steps, and tells schedules how long an epoch is', async () => {
    const seen: unknown[] = []
    const model = await transfer(base, rows, {
      ...quick,
      maxSteps: 17,
      evaluateEvery: 5,
      schedule(run) {
        seen.push(run)
        return epochSchedule((epoch) => 0.5 ** epoch, run.stepsPerEpoch!)
      },
    })
    const { history, evaluations } = model.training!
    // 54 of 60 rows, 8 at a time.
    expect(seen).toEqual([
      { totalSteps: 17, stepsPerEpoch: 7, warmupSteps: 0, learningRate: quick.learningRate },
    ])
    expect(history).toHaveLength(17)
    expect(history.map(({ epoch }) => epoch)).toEqual([
      ...Array<number>(7).fill(1),
      ...Array<number>(7).fill(2),
      3,
      3,
      3,
    ])
    expect(evaluations.map(({ step }) => step)).toEqual([5, 10, 15, 17])
    expect(history[6]!.learningRate).toBe(quick.learningRate)
    expect(history[7]!.learningRate).toBe(quick.learningRate / 2)
    await model.dispose()
  })

  it('takes optimizers and schedules that functions make', async () => {
    const model = await transfer(base, rows, {
      ...quick,
      epochs: 1,
      validation: false,
      optimizer: lion({ betas: [0.95, 0.98] }),
      schedule: ({ totalSteps }) => stepSchedule({ stepSize: totalSteps / 2, gamma: 0.5 }),
    })
    const sizes = model.training!.history.map(({ learningRate }) => learningRate)
    expect(sizes).toEqual([5e-3, 5e-3, 5e-3, 5e-3, 2.5e-3, 2.5e-3, 2.5e-3, 2.5e-3])
    await model.dispose()
  })

  it('follows a schedule by name', async () => {
    const model = await transfer(base, rows, { ...quick, epochs: 1, validation: false, schedule: 'cosine' })
    const { history } = model.training!
    expect(history[4]!.learningRate).toBeCloseTo(5e-3 * 0.5 * (1 + Math.cos(Math.PI / 2)), 10)
    await model.dispose()
  })

  it('regularizes: averages, adversaries, rates by layer, an early end', async () => {
    const model = await transfer(base, rows, {
      ...quick,
      epochs: 40,
      emaDecay: 0.8,
      adversarialEpsilon: 0.1,
      layerwiseDecay: 0.9,
      earlyStoppingPatience: 8,
    })
    expect(model.training!.stoppedEarly).toBe(true)
    expect(model.training!.best!.value).toBe(1)
    const { label } = await model.predict('the movie was good')
    expect(label).toBe('no')
    await model.dispose()
  })

  it('goes on where a run was cut, to the same model', async () => {
    const predictions = async (model: SentimentModel) => {
      const answers = await model.predict(texts)
      const { history, best } = model.training!
      await model.dispose()
      return { answers, best, losses: history.map(({ loss }) => loss) }
    }
    const options = {
      ...quick,
      epochs: 2,
      batching: 'random',
      optimizer: 'lion',
      learningRate: 1e-3,
    } as const
    const whole = await predictions(await transfer(base, rows, options))
    const checkpoints = { directory: folders.path('run'), everySteps: 3 }
    for (const stopAt of [5, 9]) {
      const controller = new AbortController()
      const error = await failureOf(
        transfer(base, rows, {
          ...options,
          checkpoints,
          signal: controller.signal,
          onEvent: (event) => {
            if (event.type === 'step' && event.step === stopAt) controller.abort()
          },
        }),
      )
      expect(error).toBeInstanceOf(TrainingAbortedError)
    }
    const resumed = await transfer(base, rows, { ...options, checkpoints })
    expect(await predictions(resumed)).toEqual(whole)
    // Other data is another run.
    const other = await refusal(transfer(base, rows.slice(1), { ...options, checkpoints }))
    expect(other.message).toMatch(
      /must be the checkpoints of this run, with data "\w+", but got those of one with "\w+"/,
    )
  })
})
