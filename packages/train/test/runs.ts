import type { EvaluationRecord, FitResult, StepRecord } from '../src/index'

/** A run as `fit` would return it, of any length, evaluated each ten steps. */
export function runOf(steps: number): FitResult {
  const history = Array.from({ length: steps }, (_, index): StepRecord => {
    const step = index + 1
    return {
      step,
      epoch: 1 + Math.floor((3 * index) / steps),
      loss: 0.2 + Math.exp((-3 * step) / steps) + 0.1 * Math.sin(7 * step),
      learningRate: 2e-4 * (1 - index / steps),
      gradientNorm: 1 + Math.cos(5 * step) ** 8,
      examples: 16,
      tokens: 320,
      targets: 16,
      seconds: 0.05,
    }
  })
  const evaluations = history
    .filter(({ step }) => step % 10 === 0)
    .map(({ step, epoch, loss }): EvaluationRecord => {
      return { step, epoch, metrics: { accuracy: 1 - loss / 2, loss: loss + 0.1 }, seconds: 0.5 }
    })
  const last = evaluations.at(-1)!
  return {
    history,
    evaluations,
    best: { step: last.step, epoch: last.epoch, metric: 'accuracy', value: last.metrics.accuracy! },
    steps,
    stoppedEarly: false,
    seconds: 0.06 * steps,
    phases: { data: 0.001 * steps, run: 0.04 * steps, update: 0.01 * steps, evaluate: 0.005 * steps },
  }
}
