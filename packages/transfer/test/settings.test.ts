import { lion } from '@tfx/train'
import { describe, expect, it } from 'vitest'
import { describeSettings } from '../src/index'
import { resolveSettings, type SettingsBase } from '../src/settings'

const base: SettingsBase = {
  config: { modelType: 'bert', maxPositionEmbeddings: 512, hiddenDropout: 0.1 } as SettingsBase['config'],
  tokenizer: { maxLength: 256 },
}

describe('resolveSettings', () => {
  it('has the defaults of the task where nothing is said, and says so', () => {
    const defaults = { learningRate: 1e-6, schedule: 'cosine' }
    const { list } = resolveSettings({ schedule: 'constant' }, { ...base, defaults })
    const of = (name: string) => list.find((one) => one.name === name)
    expect(of('learningRate')).toEqual({ name: 'learningRate', value: 1e-6, origin: 'task default' })
    expect(of('schedule')).toEqual({ name: 'schedule', value: 'constant', origin: 'option' })
  })

  it("has the defaults of Hugging Face's TrainingArguments, and says which are its own", () => {
    const { list } = resolveSettings({}, base)
    const byOrigin = (origin: string) =>
      Object.fromEntries(list.filter((one) => one.origin === origin).map(({ name, value }) => [name, value]))
    expect(byOrigin('Hugging Face Trainer default')).toEqual({
      epochs: 3,
      batchSize: 8,
      learningRate: 5e-5,
      warmupRatio: 0,
      weightDecay: 0,
      maxGradientNorm: 1,
      gradientAccumulationSteps: 1,
      gradientCheckpointing: false,
      seed: 42,
      optimizer: 'adamW',
      schedule: 'linear',
    })
    expect(byOrigin('tfx default')).toEqual({
      maxSteps: 0,
      batching: 'length',
      evaluateEvery: 'epoch',
      keepBest: true,
      bestMetric: 'loss',
      fromScratch: false,
      validationFraction: 0.1,
      layerwiseDecay: 1,
      gradualUnfreezing: 0,
      plateau: 'none',
      clipping: 'none',
      adapter: 'none',
      basePrecision: 'float32',
      augmentation: 'none',
      emaDecay: 0,
      earlyStoppingPatience: 0,
      adversarialEpsilon: 0,
      neftuneAlpha: 0,
      rDrop: 0,
      mixup: 0,
      stochasticDepth: 0,
      swaStart: 0,
      skipNonFinite: 0,
      truncation: false,
    })
    // The tokenizer's limit is below the model's.
    expect(byOrigin('base model')).toEqual({ maxLength: 256, dropout: 0.1 })
    expect(byOrigin('option')).toEqual({})
  })

  it('takes what is given, and says that it was', () => {
    const { values, list } = resolveSettings({ epochs: 0.5, maxLength: 64, dropout: 0 }, base)
    expect(values).toMatchObject({ epochs: 0.5, maxLength: 64, dropout: 0, batchSize: 8 })
    const given = list.filter(({ origin }) => origin === 'option').map(({ name }) => name)
    expect(given).toEqual(['epochs', 'maxLength', 'dropout'])
  })

  it('cuts texts where a length is given, unless told not to', () => {
    expect(resolveSettings({}, base).values.truncation).toBe(false)
    expect(resolveSettings({ maxLength: 9 }, base).values.truncation).toBe(true)
    expect(resolveSettings({ maxLength: 9, truncation: false }, base).values.truncation).toBe(false)
  })

  it('sets nothing aside where there are rows to validate on', () => {
    const fraction = (validation: SettingsBase['validation']) =>
      resolveSettings({}, { ...base, validation }).values.validationFraction
    expect([fraction(undefined), fraction(0.3), fraction(false), fraction([])]).toEqual([0.1, 0.3, 0, 0])
  })

  it('evaluates by epoch or by so many steps', () => {
    const valueOf = (evaluateEvery: unknown) =>
      resolveSettings({ evaluateEvery: evaluateEvery as number }, base).values.evaluateEvery
    expect([valueOf(undefined), valueOf('epoch'), valueOf(10)]).toEqual(['epoch', 'epoch', 10])
    expect(() => valueOf('step')).toThrow(
      "'evaluateEvery' must be 'epoch' or a number of steps, but got 'step'",
    )
    expect(() => valueOf(0)).toThrow("'evaluateEvery' must be an integer of at least 1, but got 0")
    expect(() => resolveSettings({ maxSteps: 1.5 }, base)).toThrow("'maxSteps' must be an integer")
  })

  it('refuses more tokens than the base takes', () => {
    expect(() => resolveSettings({ maxLength: 257 }, base)).toThrow(
      "transfer: 'maxLength' must be an integer from 2 to the 256 tokens that the model takes, but got 257. " +
        'Leave it out to use what the model takes.',
    )
  })
})

describe('names', () => {
  it('of optimizers and schedules are those there are; others are made by functions', () => {
    expect(() => resolveSettings({ optimizer: 'adamw' as 'adamW' }, base)).toThrow(
      "transfer: 'optimizer' must be one of adamW, adam, adafactor, adagrad, lamb, lion, muon, nAdam, rAdam, rmsProp, " +
        "scheduleFreeAdamW, sgd, but got 'adamw'.",
    )
    expect(() => resolveSettings({ schedule: 'cosin' as 'cosine' }, base)).toThrow(
      "'schedule' must be one of constant, constant_with_warmup, linear, cosine, cosine_with_restarts, " +
        "cosine_with_min_lr, polynomial, inverse_sqrt, warmup_stable_decay, step, but got 'cosin'.",
    )
    const { values } = resolveSettings({ optimizer: lion(), schedule: () => () => 1 }, base)
    expect([values.optimizer, values.schedule]).toEqual(['lion', 'custom'])
  })

  it('refuses what is no optimizer, and the function that makes one', () => {
    const given = (optimizer: unknown) => () => resolveSettings({ optimizer: optimizer as 'lion' }, base)
    const expected =
      "'optimizer' must be a name, or what a function of @tfx/train returns, as adamW(), but got"
    expect(given({})).toThrow(`${expected} '{}'`)
    expect(given(lion)).toThrow(`${expected} 'a function'`)
  })

  it('of a schedule say what it was told', () => {
    const schedule = { name: 'cosine_with_min_lr', minRatio: 0.1 } as const
    expect(resolveSettings({ schedule }, base).values.schedule).toBe(
      '{"name":"cosine_with_min_lr","minRatio":0.1}',
    )
  })

  it('of schedules that are made by functions or by another option are told how', () => {
    expect(() => resolveSettings({ schedule: 'reduce_lr_on_plateau' as 'cosine' }, base)).toThrow(
      'reduce_lr_on_plateau is the option plateau.',
    )
  })

  it('of the schedule beside a plateau is constant, unless another is given', () => {
    const scheduleOf = (options: Parameters<typeof resolveSettings>[0]) =>
      resolveSettings({ plateau: { patience: 1 }, ...options }, base).values.schedule
    expect([scheduleOf({}), scheduleOf({ schedule: 'cosine' })]).toEqual(['constant', 'cosine'])
  })
})

describe('describeSettings', () => {
  it('prints each setting with its origin', () => {
    const lines = describeSettings(resolveSettings({ batchSize: 16 }, base).list).split('\n')
    expect(lines).toContain('epochs                     3  (Hugging Face Trainer default)')
    expect(lines).toContain('batchSize                  16  (option)')
    expect(lines).toContain('maxLength                  256  (base model)')
    expect(describeSettings([])).toBe('')
  })
})
