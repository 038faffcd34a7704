import {
  backTranslation,
  compose,
  epochSchedule,
  keyboardTypos,
  lion,
  optimizerNames,
  stepSchedule,
  type TextAugmentation,
  TrainingAbortedError,
  withProbability,
  wordSwap,
} from '@tfx/train'
import { failureOf, refusal } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { type SentimentModel, type SentimentOptions, transfer, type TransferOptions } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

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
    const options = {
      ...quick,
      epochs: 2,
      batching: 'random',
      optimizer: 'lion',
      learningRate: 1e-3,
    } as const
    const whole = await outcome(await transfer(base, rows, options))
    const checkpoints = { directory: folders.path('run'), everySteps: 3 }
    for (const stopAt of [5, 9]) await cut({ ...options, checkpoints }, stopAt)
    const resumed = await transfer(base, rows, { ...options, checkpoints })
    expect(await outcome(resumed)).toEqual(whole)
    // Other data is another run.
    const other = await refusal(transfer(base, rows.slice(1), { ...options, checkpoints }))
    expect(other.message).toMatch(
      /must be the checkpoints of this run, with data "\w+", but got those of one with "\w+"/,
    )
  })

  it('augments what it learns from, anew each epoch, and goes on with the same texts where it was cut', async () => {
    const seen: string[] = []
    const spy: TextAugmentation = {
      name: 'spy',
      apply: (text) => {
        seen.push(text)
        return text
      },
    }
    const validation = toyRows(['no', 'yes'], { count: 8, seed: 9 })
    const options = { ...quick, epochs: 2, validation, batching: 'random' } as const
    const augmentation = compose(spy, withProbability(0.7, wordSwap()), keyboardTypos({ rate: 0.2 }))
    const whole = await outcome(await transfer(base, rows, { ...options, augmentation }))
    expect(seen.sort()).toEqual([...rows, ...rows].map(({ text }) => text).sort())
    expect(whole.settings.augmentation).toBe(
      'compose(spy, withProbability(0.7, wordSwap), keyboardTypos({"rate":0.2}))',
    )
    const plain = await outcome(await transfer(base, rows, options))
    expect(plain.losses).not.toEqual(whole.losses)

    const checkpoints = { directory: folders.path('augmented'), everySteps: 3 }
    for (const stopAt of [5, 11]) await cut({ ...options, augmentation, checkpoints }, stopAt)
    // Another augmentation is another run.
    const other = await refusal(
      transfer(base, rows, { ...options, checkpoints, augmentation: keyboardTypos({ rate: 0.3 }) }),
    )
    expect(other.message).toMatch(/with augmentation "keyboardTypos\(\{\\"rate\\":0\.3\}\)"/)
    const resumed = await outcome(await transfer(base, rows, { ...options, augmentation, checkpoints }))
    expect(resumed).toEqual(whole)
  })

  it('takes augmentations that take their time', async () => {
    const translate = (to: string) => async (texts: readonly string[]) => texts.map((text) => `${text} ${to}`)
    const augmentation = backTranslation({ forward: translate('the'), backward: translate('movie') })
    const model = await transfer(base, rows, { ...quick, epochs: 1, validation: false, augmentation })
    expect(model.training!.steps).toBe(8)
    await model.dispose()
    const wrong = await refusal(transfer(base, rows, { augmentation: 'eda' as never }))
    expect(wrong.message).toMatch(
      "transfer: 'augmentation' must be an augmentation of @tfx/train, or of your own with a name and apply, but got 'eda'.",
    )
  })
})

describe('labels that are not equally common', () => {
  // One in four is a yes.
  const uneven = rows.filter((_, index) => index % 6 !== 1 && index % 6 !== 3)
  const options = { ...quick, epochs: 1, dropout: 0, validation: false, batching: 'random' } as const
  const lossesOf = async (changes: SentimentOptions & TransferOptions) =>
    (await outcome(await transfer(base, uneven, { ...options, ...changes }))).losses

  it('count the same with classWeights, however batches are put together', async () => {
    const counts = { no: 30, yes: 10 }
    expect(uneven.filter(({ label }) => label === 'yes')).toHaveLength(counts.yes)
    const plain = await lossesOf({})
    const auto = await lossesOf({ classWeights: 'auto' })
    expect(auto[0]).not.toBeCloseTo(plain[0]!, 3)
    const explicit = { no: 40 / (2 * counts.no), yes: 40 / (2 * counts.yes) }
    expect(await lossesOf({ classWeights: explicit })).toEqual(auto)
    // The weighted mean of 8 is not the mean of four weighted means of 2.
    const parts = await lossesOf({ classWeights: 'auto', batchSize: 2, gradientAccumulationSteps: 4 })
    expect(parts).toBeAllClose(auto, { absolute: 1e-4 })
  })

  it('are drawn equally often with sampling', async () => {
    const seen: string[] = []
    const augmentation: TextAugmentation = { name: 'spy', apply: (text) => (seen.push(text), text) }
    const labelOf = new Map(uneven.map(({ text, label }) => [text, label]))
    await lossesOf({ sampling: 'balanced', augmentation, epochs: 4 })
    expect(seen).toHaveLength(160)
    const yes = seen.filter((text) => labelOf.get(text) === 'yes').length
    expect(Math.abs(yes - 80)).toBeLessThan(4 * Math.sqrt(40))
    seen.length = 0
    await lossesOf({ sampling: ({ label }) => (label === 'yes' ? 1 : 0), augmentation })
    expect(new Set(seen.map((text) => labelOf.get(text)))).toEqual(new Set(['yes']))
  })

  it('are another run with other weights', async () => {
    const given = { ...options, classWeights: 'auto', sampling: 'balanced' } as const
    const whole = await outcome(await transfer(base, uneven, given))
    const checkpoints = { directory: folders.path('balanced'), everySteps: 1 }
    const cutShort = { ...given, checkpoints }
    const controller = new AbortController()
    const onEvent: TransferOptions['onEvent'] = ({ type }) => {
      if (type === 'step') controller.abort()
    }
    await failureOf(transfer(base, uneven, { ...cutShort, signal: controller.signal, onEvent }))
    for (const [changes, name] of [
      [{ classWeights: { yes: 2 } }, 'classWeights'],
      [{ sampling: () => 1 }, 'sampling'],
      [{ labelSmoothing: 0.1 }, 'labelSmoothing'],
    ] as const) {
      const { message } = await refusal(transfer(base, uneven, { ...cutShort, ...changes }))
      expect(message).toContain(`must be the checkpoints of this run, with ${name}`)
    }
    expect(await outcome(await transfer(base, uneven, cutShort))).toEqual(whole)
  })

  it('are refused by wrong names', async () => {
    const message = async (changes: object) =>
      (await refusal(transfer(base, uneven, { ...options, ...changes }))).message
    expect(await message({ classWeights: { maybe: 1 } })).toContain(
      "'classWeights['maybe']' must be of a label",
    )
    expect(await message({ classWeights: 'balanced' })).toContain(
      "transfer: 'classWeights' must be 'auto' or an object from label to weight, but got balanced.",
    )
    expect(await message({ sampling: 'auto' })).toContain(
      "transfer: 'sampling' must be 'balanced' or a function from example to weight, but got auto.",
    )
  })
})

/** What a run ends with. */
async function outcome(model: SentimentModel) {
  const answers = await model.predict(texts)
  const { history, best } = model.training!
  const settings = Object.fromEntries(model.settings.map(({ name, value }) => [name, value]))
  await model.dispose()
  return { answers, best, settings, losses: history.map(({ loss }) => loss) }
}

/** Begins a run, or goes on with one, and aborts it after a step. */
async function cut(options: SentimentOptions & TransferOptions, stopAt: number): Promise<void> {
  const controller = new AbortController()
  const onEvent: TransferOptions['onEvent'] = (event) => {
    if (event.type === 'step' && event.step === stopAt) controller.abort()
  }
  const error = await failureOf(transfer(base, rows, { ...options, signal: controller.signal, onEvent }))
  expect(error).toBeInstanceOf(TrainingAbortedError)
}
