import type { ParameterStore, Program, SlotSpec } from '@tfx/backend'
import { ArgumentError, type HostTensor } from '@tfx/common'
import type { AdversarialTraining } from './adversarial'
import { checkAveraging, type WeightAveraging } from './averaging'
import { type CheckpointSettings, resolveCheckpoints } from './checkpoint-options'
import { checkNumber } from './check-numbers'
import { checkNoOthers, checkOneOf } from './check-options'
import { checkClipping, type GradientClipping } from './clipping'
import type { TrainingEvent } from './events'
import type { Optimizer } from './optimizers/optimizer'
import { type ParameterGroup, parameterGroups } from './parameter-groups'
import { constantSchedule, type PlateauRule, type Schedule } from './schedules/index'
import { checkSlots } from './slots'

/** One micro-batch: what the program runs on at once. */
export interface TrainingBatch {
  /** The program's inputs. */
  readonly inputs: Record<string, HostTensor>
  readonly examples: number
  readonly tokens: number
  /**
   * Over how many targets the program's loss is a mean: examples in a classification, tokens that are not
   * ignored in a language model. A batch without targets is skipped.
   */
  readonly weight: number
}

/** Which evaluation is the best. */
export interface BestMetric {
  /** A name among the metrics that `evaluate` returns. */
  readonly metric: string
  readonly mode: 'min' | 'max'
}

/** The options that decide what must be stored for each parameter. */
export interface SlotOptions {
  readonly optimizer: Optimizer
  /** Micro-batches for each optimizer step; the last step of an epoch may have fewer. Default 1. */
  readonly gradientAccumulationSteps?: number
  /** Keep the weights of the best evaluation, and end with them. */
  readonly keepBest?: BestMetric | undefined
  /** Evaluate and end with an average of the weights instead of the last ones. */
  readonly averaging?: WeightAveraging | undefined
  /** Learn from the worst neighbour of each micro-batch too: twice the time. */
  readonly adversarial?: AdversarialTraining | undefined
  /** If given, only these parameters get the slots of training; the others keep their values alone. */
  readonly parameters?: readonly string[]
  /**
   * Parameters that are not trained but computed anew by the step, such as the running statistics of `batchNorm`: after each
   * micro-batch the output of that name is written to the store. A step that is skipped or cut leaves them as they were.
   */
  readonly buffers?: readonly string[]
}

/** Options of `fit`. */
export interface FitOptions extends SlotOptions {
  /** Holds the weights to start from, and has the slots of {@link fitSlots}. */
  readonly store: ParameterStore
  /** Compiled with `gradients: { of: 'loss', withRespectTo: parameters }`. */
  readonly program: Program
  /** The names of the parameters to train. */
  readonly parameters: readonly string[]

  /** The batches of one epoch, in order; called with the epoch's number, from 1. */
  readonly batches: (epoch: number) => Iterable<TrainingBatch> | AsyncIterable<TrainingBatch>
  /** How often to go through the data. Training ends with this or `maxSteps`, whichever comes first. */
  readonly epochs?: number
  /** After how many optimizer steps to stop. */
  readonly maxSteps?: number
  /** Optimizer steps in an epoch, where known: for progress only. */
  readonly stepsPerEpoch?: number

  /** The base learning rate. Default 5e-5. */
  readonly learningRate?: number
  /** Its factor, step by step. Default constant. */
  readonly schedule?: Schedule
  /** Multiplies the rate with what the rule makes of a metric that `evaluate` returns. */
  readonly plateau?: { readonly rule: PlateauRule; readonly metric: string } | undefined
  /** Clips the gradient to this global L2 norm; 0 turns clipping off. Default 1. */
  readonly maxGradientNorm?: number
  /** Clips in another way instead. */
  readonly clipping?: GradientClipping | undefined
  /** How many steps in a row may be left out because their loss or gradient is not finite. Default 0. */
  readonly skipNonFinite?: number
  /** Which parameters are decayed, and how much. Default: {@link parameterGroups} with the optimizer's decay. */
  readonly groups?: readonly ParameterGroup[]
  /** Decides every dropout mask. Default 42. */
  readonly seed?: number

  /** Measures the model as it stands, by any names. */
  readonly evaluate?: () => Promise<Record<string, number>>
  /** Evaluate after each epoch, or each so many steps and after the last. Default `epoch`. */
  readonly evaluateEvery?: 'epoch' | number

  /**
   * End when the metric of `keepBest` has not improved by more than `threshold` (default 0) in `patience` evaluations,
   * as the EarlyStoppingCallback of Hugging Face.
   */
  readonly earlyStopping?: { readonly patience: number; readonly threshold?: number } | undefined
  /** Save the state of the run, and resume from it: killed at any instant, it ends with the same weights to the bit. */
  readonly checkpoints?: CheckpointSettings | undefined

  /** Stops training between two steps. */
  readonly signal?: AbortSignal | undefined
  /** Told everything as it happens; what it throws ends the training. */
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined
}

/** {@link FitOptions} with its defaults. */
export type ResolvedFitOptions = Omit<Required<FitOptions>, StaysOptional | 'onEvent' | 'checkpoints'> &
  Pick<FitOptions, StaysOptional> & {
    readonly checkpoints: Required<CheckpointSettings> | undefined
    readonly onEvent: (event: TrainingEvent) => void
    readonly totalSteps: number | undefined
  }

type StaysOptional =
  | 'stepsPerEpoch'
  | 'evaluate'
  | 'keepBest'
  | 'averaging'
  | 'adversarial'
  | 'plateau'
  | 'clipping'
  | 'earlyStopping'
  | 'signal'

/**
 * The slots that `fit` needs in its store beside `value`.
 *
 * @example
 * ```ts
 * const optimizer = adamW()
 * const store = engine.createStore(shapes, fitSlots({ optimizer, gradientAccumulationSteps: 4 }))
 * // gradient, expAvg, expAvgSq, accumulated
 * ```
 */
export function fitSlots({ parameters, ...options }: SlotOptions): SlotSpec[] {
  const slots: SlotSpec[] = ['gradient', ...options.optimizer.slots]
  if (accumulates(options)) slots.push('accumulated')
  if (options.keepBest !== undefined) slots.push('best')
  if (options.averaging !== undefined) slots.push('average')
  if (parameters === undefined) return slots
  const trained = new Set(parameters)
  const kept = new Set([...parameters, ...(options.buffers ?? [])])
  return slots.map((spec) => {
    const { name, shape } =
      typeof spec === 'string' ? { name: spec, shape: (own: readonly number[]) => own } : spec
    const among = name === 'best' ? kept : trained
    return { name, shape: (own, parameter) => (among.has(parameter) ? shape(own, parameter) : [0]) }
  })
}

/** Whether a step is made of more than one gradient. */
export function accumulates({ gradientAccumulationSteps = 1, adversarial }: Partial<SlotOptions>): boolean {
  return gradientAccumulationSteps > 1 || adversarial !== undefined
}

/** Every option of `fit`: the compiler misses one that is not here. */
const optionNames: Record<keyof FitOptions, true> = {
  ...{ store: true, program: true, parameters: true, buffers: true, batches: true, groups: true },
  ...{ epochs: true, maxSteps: true, stepsPerEpoch: true, gradientAccumulationSteps: true, seed: true },
  ...{ optimizer: true, learningRate: true, schedule: true, plateau: true },
  ...{ maxGradientNorm: true, clipping: true, skipNonFinite: true, averaging: true, adversarial: true },
  ...{ evaluate: true, evaluateEvery: true, keepBest: true, earlyStopping: true },
  ...{ checkpoints: true, signal: true, onEvent: true },
}

/** @throws ArgumentError on a value that cannot be meant, or an option that there is not. */
export function resolveFitOptions(options: FitOptions): ResolvedFitOptions {
  checkNoOthers('fit', options, Object.keys(optionNames))
  const { epochs = Infinity, maxSteps = Infinity, stepsPerEpoch } = options
  const total = Math.min(maxSteps, stepsPerEpoch === undefined ? Infinity : epochs * stepsPerEpoch)
  const resolved = {
    gradientAccumulationSteps: 1,
    learningRate: 5e-5,
    schedule: constantSchedule(),
    maxGradientNorm: 1,
    skipNonFinite: 0,
    groups: parameterGroups(options.parameters, { weightDecay: options.optimizer.weightDecay }),
    buffers: [],
    seed: 42,
    evaluateEvery: 'epoch' as const,
    ...withoutUndefined(options),
    onEvent: options.onEvent ?? (() => undefined),
    checkpoints: options.checkpoints && resolveCheckpoints(options.checkpoints),
    epochs,
    maxSteps,
    totalSteps: Number.isFinite(total) ? total : undefined,
  }
  check(resolved)
  return resolved
}

/** So that an option passed on as undefined gets its default. */
function withoutUndefined(options: FitOptions): FitOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as typeof options
}

function check(options: ResolvedFitOptions): void {
  const { epochs, maxSteps, evaluateEvery, store } = options
  if (epochs === Infinity && maxSteps === Infinity) {
    throw invalid('epochs', {
      expected: 'given, or maxSteps',
      received: 'neither',
      remedy: 'Say how long to train.',
    })
  }
  if (epochs !== Infinity) checkCount('epochs', epochs)
  if (maxSteps !== Infinity) checkCount('maxSteps', maxSteps)
  if (evaluateEvery !== 'epoch') checkCount('evaluateEvery', evaluateEvery)
  checkCount('gradientAccumulationSteps', options.gradientAccumulationSteps)
  for (const name of ['learningRate', 'maxGradientNorm'] as const) {
    if (options[name] >= 0 && options[name] < Infinity) continue
    const remedy = 'Pass a number, or leave it out to get the usual value.'
    throw invalid(name, {
      expected: 'a finite number of at least 0',
      received: String(options[name]),
      remedy,
    })
  }
  if (options.keepBest !== undefined && options.evaluate === undefined) {
    const remedy = 'Pass an evaluate function that returns the metric, or leave keepBest out.'
    throw invalid('keepBest', { expected: 'left out without evaluate', received: 'given', remedy })
  }
  if (options.keepBest !== undefined) {
    checkOneOf('fit', { 'keepBest.mode': options.keepBest.mode }, ['min', 'max'])
  }
  checkRegularization(options)
  checkNames('parameters', options.parameters, Object.keys(store.shapes))
  if (options.buffers.length > 0) checkNames('buffers', options.buffers, Object.keys(store.shapes))
  checkGroups(options)
  checkSlots('fit', store, fitSlots(options))
}

function checkGroups({ groups, parameters }: ResolvedFitOptions): void {
  for (const { names, weightDecay, learningRateScale = 1, firstStep = 1 } of groups) {
    checkNames('groups', names, parameters)
    const numbers = { 'groups.weightDecay': weightDecay, 'groups.learningRateScale': learningRateScale }
    checkNumber('fit', numbers, { least: 0 })
    checkCount('groups.firstStep', firstStep)
  }
}

function checkRegularization({ averaging, optimizer, earlyStopping, ...options }: ResolvedFitOptions): void {
  if (options.clipping !== undefined) checkClipping('fit', options.clipping)
  if (averaging !== undefined) checkAveraging('fit', averaging)
  if (averaging !== undefined && optimizer.evaluationWeights !== undefined) {
    const expected = `left out with '${optimizer.name}', which averages by itself`
    throw invalid('averaging', { expected, received: averaging.kind, remedy: 'Leave it out.' })
  }
  if (earlyStopping !== undefined) {
    checkCount('earlyStopping.patience', earlyStopping.patience)
    const { threshold = 0 } = earlyStopping
    checkNumber('fit', { 'earlyStopping.threshold': threshold }, { least: 0 })
    if (options.keepBest === undefined) {
      const remedy = 'Pass keepBest, the metric that is to improve.'
      throw invalid('earlyStopping', { expected: 'left out without keepBest', received: 'given', remedy })
    }
  }
  if (options.plateau !== undefined && options.evaluate === undefined) {
    const remedy = 'Pass an evaluate function that returns the metric.'
    throw invalid('plateau', { expected: 'left out without evaluate', received: 'given', remedy })
  }
  if (options.checkpoints !== undefined) {
    const { everySteps, keep } = options.checkpoints
    checkCount('checkpoints.keep', keep)
    if (everySteps !== Infinity) checkCount('checkpoints.everySteps', everySteps)
  }
  if (options.adversarial !== undefined) {
    checkNames('adversarial.parameters', options.adversarial.parameters, options.parameters)
    checkNumber('fit', { 'adversarial.epsilon': options.adversarial.epsilon }, { least: 0 })
  }
}

function checkNames(argument: string, names: readonly string[], known: readonly string[]): void {
  const among = new Set(known)
  const unknown = names.find((name) => !among.has(name))
  if (unknown === undefined && names.length > 0) return
  throw invalid(argument, {
    expected: ['parameters', 'buffers'].includes(argument)
      ? 'one or more names in the store'
      : 'made of the names in parameters',
    received: unknown === undefined ? 'no name' : `'${unknown}'`,
    remedy: `There are ${known.length} to choose from, the first is '${known[0]}'.`,
  })
}

function checkCount(argument: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return
  const remedy = 'Pass a whole number, or leave it out.'
  throw invalid(argument, { expected: 'an integer of at least 1', received: String(value), remedy })
}

function invalid(
  argument: string,
  details: { expected: string; received: string; remedy: string },
): ArgumentError {
  return new ArgumentError({ function: 'fit', argument, ...details })
}
