import { createHash } from 'node:crypto'
import { ArgumentError } from '@tfx/common'
import { isWordTable, type ModelConfig } from '@tfx/core'
import {
  type BestMetric,
  type CheckpointSettings,
  type FitOptions,
  type Optimizer,
  optimizerByName,
  type OptimizerName,
  parameterGroups,
  reduceOnPlateau,
  type Schedule,
  type ScheduledRun,
  scheduleByName,
  type ScheduleName,
  withGradualUnfreezing,
  withLayerwiseDecay,
} from '@tfx/train'
import type { TransferOptions } from './options'
import type { ResolvedSettings, Setting } from './settings'
import type { EncodedExample } from './task'

/** The optimizer that was given or named. */
export function chosenOptimizer(
  { optimizer }: TransferOptions,
  { weightDecay, ...settings }: ResolvedSettings,
): Optimizer {
  if (typeof optimizer === 'object') return optimizer
  return optimizerByName(settings.optimizer as OptimizerName, { weightDecay })
}

/** The schedule that was given or named, for a run of some length. */
export function chosenSchedule(
  { schedule }: TransferOptions,
  { warmupRatio, ...settings }: ResolvedSettings,
  length: Required<Pick<ScheduledRun, 'totalSteps' | 'stepsPerEpoch' | 'learningRate'>>,
): Schedule {
  const run = { ...length, warmupSteps: Math.ceil(length.totalSteps * warmupRatio) }
  if (typeof schedule === 'object') return scheduleByName(schedule, run)
  if (typeof schedule !== 'function') return scheduleByName(settings.schedule as ScheduleName, run)
  const made: unknown = schedule(run)
  if (typeof made === 'function') return made as Schedule
  throw new ArgumentError({
    function: 'transfer',
    argument: 'schedule',
    expected: 'a function that makes a schedule for the run: from the step to a factor on the rate',
    received: `one that returns ${String(made)}`,
    remedy: 'Pass (run) => cosineSchedule(run), or the name of a schedule.',
  })
}

/** What becomes of the rate when the best metric stops improving. */
export const chosenPlateau = (
  { plateau }: TransferOptions,
  learningRate: number,
  { metric, mode }: BestMetric,
): FitOptions['plateau'] => plateau && { metric, rule: reduceOnPlateau({ ...plateau, mode, learningRate }) }

const dropoutRates = [
  'hiddenDropout',
  'attentionDropout',
  'activationDropout',
  'embeddingDropout',
  'classifierDropout',
] as const

/** A configuration with other rates wherever it has them, if they were given. */
export function withDropout<Config extends ModelConfig>(
  config: Config,
  { dropout, stochasticDepth }: ResolvedSettings,
  options: TransferOptions,
): Config {
  const given = options.dropout === undefined ? [] : dropoutRates.filter((name) => name in config)
  const rates: Record<string, number> = Object.fromEntries(given.map((name) => [name, dropout]))
  const isOther = stochasticDepth !== (config.stochasticDepth ?? 0)
  return { ...config, ...rates, ...(isOther && { stochasticDepth }) }
}

/**
 * The settings of regularization as options of `fit`; `slots` of a store follow from them, whatever `totalSteps` is.
 *
 * @throws ArgumentError on two averages at once, and on neighbours of word embeddings that are not trained.
 */
export function regularization(
  settings: ResolvedSettings,
  parameters: readonly string[],
  totalSteps = 1,
): Pick<FitOptions, 'averaging' | 'adversarial'> {
  const { adversarialEpsilon } = settings
  const embeddings = parameters.filter(isWordTable)
  if (adversarialEpsilon > 0 && embeddings.length === 0) throw frozenWords(adversarialEpsilon)
  return {
    averaging: chosenAveraging(settings, totalSteps),
    adversarial: adversarialEpsilon > 0 ? { parameters: embeddings, epsilon: adversarialEpsilon } : undefined,
  }
}

function chosenAveraging(
  { emaDecay, swaStart }: ResolvedSettings,
  totalSteps: number,
): FitOptions['averaging'] {
  if (emaDecay > 0 && swaStart > 0) throw twoAverages(swaStart)
  if (emaDecay > 0) return { kind: 'ema', decay: emaDecay }
  return swaStart > 0 ? { kind: 'swa', firstStep: Math.ceil(swaStart * totalSteps), every: 1 } : undefined
}

const twoAverages = (swaStart: number) =>
  new ArgumentError({
    function: 'transfer',
    argument: 'swaStart',
    expected: 'left out with emaDecay, which averages the weights too',
    received: String(swaStart),
    remedy: 'Choose one of them.',
  })

const frozenWords = (epsilon: number) =>
  new ArgumentError({
    function: 'transfer',
    argument: 'adversarialEpsilon',
    expected: 'left out with an adapter, beside which the word embeddings that it moves are frozen',
    received: String(epsilon),
    remedy: 'Use neftuneAlpha, or train without the adapter.',
  })

/** Rates by layer, and when each begins to learn. */
export function chosenGroups(
  { layerwiseDecay, gradualUnfreezing }: ResolvedSettings,
  parameters: readonly string[],
  { weightDecay }: Optimizer,
): FitOptions['groups'] & object {
  const groups = parameterGroups(parameters, { weightDecay })
  const layered = layerwiseDecay === 1 ? groups : withLayerwiseDecay(groups, { decay: layerwiseDecay })
  return gradualUnfreezing === 0
    ? layered
    : withGradualUnfreezing(layered, { stepsPerLayer: gradualUnfreezing })
}

/** What tells one run from another. */
export interface RunIdentity {
  readonly list: readonly Setting[]
  /** The options of the task. */
  readonly task: Readonly<Record<string, unknown>>
  readonly sampleWeights: readonly number[] | undefined
  readonly data: Readonly<Record<string, readonly EncodedExample<unknown>[]>>
}

/** Where to save the run, and what it is: its settings, and all that it learns from. */
export function chosenCheckpoints(
  { checkpoints, bestMetric }: TransferOptions,
  { list, task, sampleWeights, data }: RunIdentity,
): CheckpointSettings | undefined {
  if (checkpoints === undefined) return undefined
  const given = typeof checkpoints === 'string' ? { directory: checkpoints } : checkpoints
  const settings = Object.fromEntries(list.map(({ name, value }) => [name, value]))
  const sampling = sampleWeights && createHash('sha256').update(sampleWeights.join()).digest('hex')
  const bestMode = typeof bestMetric === 'object' ? bestMetric.mode : undefined
  return { ...given, identity: { ...settings, ...task, bestMode, sampling, data: hashOf(data) } }
}

function hashOf(data: Readonly<Record<string, readonly EncodedExample<unknown>[]>>): string {
  const hash = createHash('sha256')
  for (const [part, examples] of Object.entries(data)) {
    hash.update(`${part}:${examples.length}\n`)
    for (const { example, encoding } of examples)
      hash.update(JSON.stringify([example, Array.from(encoding.inputIds)]))
  }
  return hash.digest('hex').slice(0, 16)
}

/** Metrics of which less is better. */
const lessIsBetter = /loss|perplexity|error|^ter\b/i

/** The metric that tells which evaluation is the best. */
export function chosenBest({ bestMetric }: TransferOptions, usual: BestMetric): BestMetric {
  if (bestMetric === undefined) return usual
  if (typeof bestMetric === 'object') return bestMetric
  return { metric: bestMetric, mode: lessIsBetter.test(bestMetric) ? 'min' : 'max' }
}

/** @throws ArgumentError on what goes by evaluations if there are none, or no best of them. */
export function checkEvaluated(
  { keepBest, earlyStoppingPatience, plateau }: ResolvedSettings,
  validationExamples: number,
): void {
  const isEvaluated = validationExamples > 0
  const stops = earlyStoppingPatience > 0
  if ((isEvaluated || (!stops && plateau === 'none')) && (keepBest || !stops)) return
  throw new ArgumentError({
    function: 'transfer',
    argument: stops ? 'earlyStoppingPatience' : 'plateau',
    expected: isEvaluated ? 'left out without keepBest' : 'left out without examples to validate on',
    received: stops ? String(earlyStoppingPatience) : plateau,
    remedy: isEvaluated ? 'Leave keepBest as it is.' : 'Pass validation: a data set, or a share as 0.1.',
  })
}

/** @throws ArgumentError if evaluations do not have the metric. */
export function checkBestMetric(metric: string, known: readonly string[]): void {
  if (known.includes(metric)) return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'bestMetric',
    expected: `one of ${known.join(', ')}, which this task's evaluations have`,
    received: `'${metric}'`,
    remedy: 'Name one of them. Those of written texts need { evaluateWriting: true }.',
  })
}
