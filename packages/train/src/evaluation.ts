import { ArgumentError, throwIfAborted } from '@tfx/common'
import { averagedWeights } from './averaging'
import type { BestMetric, ResolvedFitOptions } from './fit-options'
import type { EvaluationWeights } from './optimizers/optimizer'
import { namesAt } from './parameter-groups'
import { type Run, secondsSince, timed } from './run'
import { copySlot } from './slots'

/** The weights to evaluate and to end with, where they are not those of training. */
export function evaluationWeights(
  { averaging, optimizer }: Pick<ResolvedFitOptions, 'averaging' | 'optimizer'>,
  step: number,
): EvaluationWeights | undefined {
  return averaging === undefined ? optimizer.evaluationWeights : averagedWeights(averaging, step)
}

/** Measures the model, and draws the consequences: the best weights, the rate on a plateau, an early end. */
export async function evaluate(run: Run, epoch: number): Promise<void> {
  const { state, options } = run
  const { evaluate: measure, store, onEvent, signal } = options
  if (measure === undefined) return
  throwIfAborted(signal, 'fit')
  const started = performance.now()
  const step = state.history.length
  const weights = evaluationWeights(options, step)
  const names = namesAt(options.groups, step)
  weights?.enter(store, names)
  try {
    const metrics = await timed(run, 'evaluate', measure)
    const record = { step, epoch, metrics, seconds: secondsSince(started) }
    state.evaluations.push(record)
    onEvent({ type: 'evaluate', ...record })
    adjustRate(run, metrics)
    keepIfBest(run, { epoch, metrics })
  } finally {
    weights?.leave(store, names)
  }
}

function keepIfBest({ state, options }: Run, seen: { epoch: number; metrics: Record<string, number> }): void {
  const { keepBest, earlyStopping, store, parameters, buffers, onEvent } = options
  if (keepBest === undefined) return
  const value = metricOf(seen.metrics, 'keepBest.metric', keepBest.metric)
  const step = state.history.length
  // As in Hugging Face's callback the first evaluation counts as an improvement whatever it is.
  const isEnough =
    state.evaluations.length === 1 ||
    isBetter(value, state.best?.value, { ...keepBest, threshold: earlyStopping?.threshold ?? 0 })
  state.evaluationsSinceBest = isEnough ? 0 : state.evaluationsSinceBest + 1
  if (isBetter(value, state.best?.value, keepBest)) {
    copySlot(store, [...parameters, ...buffers], { from: 'value', to: 'best' })
    state.best = { step, epoch: seen.epoch, metric: keepBest.metric, value }
    onEvent({ type: 'best', ...state.best })
  }
  if (earlyStopping === undefined || state.evaluationsSinceBest < earlyStopping.patience) return
  state.stoppedEarly = true
  onEvent({ type: 'earlyStop', step, epoch: seen.epoch })
}

function adjustRate({ state, options }: Run, metrics: Record<string, number>): void {
  const { plateau } = options
  if (plateau === undefined || state.plateau === undefined) return
  state.plateau = plateau.rule.update(state.plateau, metricOf(metrics, 'plateau.metric', plateau.metric))
}

/** Neither NaN nor the worst infinity is ever better; a tie goes to the earlier one. */
function isBetter(
  value: number,
  best: number | undefined,
  { mode, threshold = 0 }: BestMetric & { threshold?: number },
): boolean {
  const before = best ?? (mode === 'max' ? -Infinity : Infinity)
  return (mode === 'max' ? value > before : value < before) && Math.abs(value - before) > threshold
}

function metricOf(metrics: Record<string, number>, argument: string, name: string): number {
  const value = metrics[name]
  if (value !== undefined) return value
  const names = Object.keys(metrics).map((metric) => `'${metric}'`)
  throw new ArgumentError({
    function: 'fit',
    argument,
    expected: `a metric that evaluate returns: ${names.join(', ')}`,
    received: `'${name}'`,
    remedy: 'Choose one of them.',
  })
}
