import type { ModelConfig, Tokenizer } from '@tfx/core'
import { checkMaxLength, longestInput } from './check-options'
import { checkBestMode, checkName, checkOptimizer, checkSetting, wrong } from './check-settings'
import { optimizerNames, scheduleNames, type TextAugmentation } from '@tfx/train'
import type { TransferOptions } from './options'

/** Where a setting's value comes from. */
export type SettingOrigin =
  | 'option'
  | 'Hugging Face Trainer default'
  | 'tfx default'
  | 'task default'
  | 'base model'
  | 'found before training'

/** One resolved setting of a run. */
export interface Setting {
  readonly name: string
  readonly value: number | string | boolean
  readonly origin: SettingOrigin
}

/** The settings of a run with every default filled in. */
export interface ResolvedSettings {
  readonly epochs: number
  /** 0 if `epochs` decides. */
  readonly maxSteps: number
  readonly batchSize: number
  readonly learningRate: number | 'find'
  readonly warmupRatio: number
  readonly weightDecay: number
  readonly maxGradientNorm: number
  readonly gradientAccumulationSteps: number
  readonly gradientCheckpointing: boolean
  readonly seed: number
  /** Of a name of its own if it was given as an object. */
  readonly optimizer: string
  /** `custom` if it was given as a function; with settings of its own as JSON. */
  readonly schedule: string
  readonly layerwiseDecay: number
  readonly gradualUnfreezing: number
  /** `none`, or its settings as JSON. */
  readonly plateau: string
  /** `none`, or how, as JSON. */
  readonly clipping: string
  /** `none`, or its method. */
  readonly adapter: string
  readonly basePrecision: TransferOptions['basePrecision'] & {}
  /** `none`, or its name. */
  readonly augmentation: string
  readonly emaDecay: number
  readonly earlyStoppingPatience: number
  readonly adversarialEpsilon: number
  readonly neftuneAlpha: number
  readonly rDrop: number
  readonly mixup: number
  readonly stochasticDepth: number
  readonly swaStart: number
  readonly skipNonFinite: number
  readonly batching: 'length' | 'random'
  readonly maxLength: number
  readonly truncation: boolean
  readonly evaluateEvery: 'epoch' | number
  readonly keepBest: boolean
  /** Its name. */
  readonly bestMetric: string
  readonly fromScratch: boolean
  readonly validationFraction: number
  readonly dropout: number
}

const trainerDefaults = {
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
} as const

const ownDefaults = {
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
} as const

/** What settings are resolved against. */
export interface SettingsBase {
  readonly config: ModelConfig
  readonly tokenizer: Pick<Tokenizer, 'maxLength'>
  /** What the data set and the option say together. */
  readonly validation?: TransferOptions['validation'] | undefined
  /** What the task sets where nothing is said. */
  readonly defaults?: SettingDefaults | undefined
}

/** Other defaults of a task than those of every `transfer`. */
export type SettingDefaults = Partial<
  Pick<
    ResolvedSettings,
    Exclude<
      keyof ResolvedSettings,
      | 'adapter'
      | 'basePrecision'
      | 'augmentation'
      | 'plateau'
      | 'clipping'
      | 'truncation'
      | 'dropout'
      | 'validationFraction'
    >
  >
>

/**
 * Fills in defaults and remembers where each value came from.
 *
 * @throws ArgumentError on a value that cannot be meant.
 */
export function resolveSettings(
  options: TransferOptions,
  base: SettingsBase,
): { values: ResolvedSettings; list: readonly Setting[] } {
  const baseDefaults = { maxLength: longestInput(base), dropout: base.config.hiddenDropout }
  const given: Readonly<Record<string, unknown>> = {
    ...options,
    validationFraction: validationFraction(base.validation),
    optimizer: typeof options.optimizer === 'object' ? options.optimizer.name : options.optimizer,
    adapter: typeof options.adapter === 'object' ? options.adapter.method : options.adapter,
    bestMetric: typeof options.bestMetric === 'object' ? options.bestMetric.metric : options.bestMetric,
    augmentation: augmentationName(options.augmentation),
    schedule: scheduleNameOf(options),
    plateau: options.plateau && JSON.stringify(options.plateau),
    clipping: options.clipping && JSON.stringify(options.clipping),
  }
  checkName('optimizer', options.optimizer, optimizerNames)
  checkName('schedule', options.schedule, scheduleNames)
  checkOptimizer(options.optimizer)
  checkBestMode(options.bestMetric)
  checkName('adapter', options.adapter, ['lora', 'ia3', 'bitfit', 'prompt'])
  checkName('basePrecision', options.basePrecision, ['float32', 'float16', 'int8'])
  if (options.adapter === undefined && (options.basePrecision ?? 'float32') !== 'float32')
    throw wrong(
      'basePrecision',
      'float32 unless an adapter is trained: all weights are',
      options.basePrecision,
    )
  const list: Setting[] = []
  const add = (name: string, fallback: Setting['value'], origin: SettingOrigin) => {
    const option = given[name]
    const ofTask = base.defaults?.[name as keyof SettingDefaults]
    const value = (option === undefined ? (ofTask ?? fallback) : option) as Setting['value']
    checkSetting(name, value, typeof fallback)
    const otherwise = ofTask === undefined ? origin : 'task default'
    list.push({ name, value, origin: option === undefined ? otherwise : 'option' })
  }
  for (const [name, value] of Object.entries(trainerDefaults))
    add(name, value, 'Hugging Face Trainer default')
  for (const [name, value] of Object.entries(ownDefaults)) add(name, value, 'tfx default')
  for (const [name, value] of Object.entries(baseDefaults)) add(name, value, 'base model')
  // Who names a length wants longer texts cut to it; otherwise losing text has to be asked for.
  add('truncation', options.maxLength !== undefined, 'tfx default')
  const values = Object.fromEntries(
    list.map(({ name, value }) => [name, value]),
  ) as unknown as ResolvedSettings
  checkMaxLength(values.maxLength, longestInput(base), 'transfer')
  return { values, list }
}

/** @throws ArgumentError on what is no augmentation. */
function augmentationName(augmentation: unknown): string | undefined {
  if (augmentation === undefined) return undefined
  const given = (typeof augmentation === 'object' ? augmentation : null) as Partial<TextAugmentation> | null
  const isOne = given !== null && typeof given.name === 'string' && ('apply' in given || 'applyAll' in given)
  if (isOne) return given.name
  throw wrong(
    'augmentation',
    'an augmentation of @tfx/train, or of your own with a name and apply',
    augmentation,
  )
}

/** None of the training rows is set aside if there are rows for validation, or no validation. */
function validationFraction(validation: TransferOptions['validation']): number | undefined {
  return validation === undefined || typeof validation === 'number' ? validation : 0
}

/** The settings as lines of text: name, value, origin. */
export function describeSettings(settings: readonly Setting[]): string {
  const width = Math.max(...settings.map(({ name }) => name.length))
  return settings
    .map(({ name, value, origin }) => `${name.padEnd(width)}  ${String(value)}  (${origin})`)
    .join('\n')
}

/** Without a plateau the rate falls by itself. */
function scheduleNameOf({ schedule, plateau }: TransferOptions): string | undefined {
  if (typeof schedule === 'function') return 'custom'
  if (typeof schedule === 'object') return JSON.stringify(schedule)
  return schedule ?? (plateau && 'constant')
}
