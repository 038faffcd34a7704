import type { TrainingEvent } from './events'

/** Options of {@link progressReporter}. */
export interface ProgressOptions {
  /** Where to write. Default `process.stderr`. */
  stream?: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
  /** Draw a bar that is overwritten, instead of lines. Default: what the stream says. */
  isTTY?: boolean
  /** Without a terminal: write a line each so many steps. Default: ten lines for the run, or each 50 steps. */
  every?: number
}

/** On a terminal the bar is redrawn at most this often. */
const redrawMilliseconds = 100

/**
 * Shows training events to people: a progress bar on a terminal, plain lines elsewhere; evaluations
 * and the end are lines in both.
 *
 * @returns A function to pass to `fit` as `onEvent`.
 *
 * @example
 * ```ts
 * await fit({ … onEvent: progressReporter() })
 * // step 120/376 · epoch 1 · loss 0.3124 · rate 3.4e-5 · 152 examples/s · 1:41 left
 * ```
 */
export function progressReporter(options: ProgressOptions = {}): (event: TrainingEvent) => void {
  const stream = options.stream ?? process.stderr
  const isTerminal = options.isTTY ?? stream.isTTY ?? false
  const state: ProgressState = { totalSteps: undefined, smoothedLoss: 0, examples: 0, seconds: 0, steps: 0 }
  let drawn = -Infinity
  const line = (text: string) => {
    stream.write(isTerminal ? `\r\x1b[K${text}\n` : `${text}\n`)
  }
  const draw = (step: StepEvent) => {
    const isLast = step.step === state.totalSteps
    if (!isTerminal) {
      const every = options.every ?? Math.ceil((state.totalSteps ?? 500) / 10)
      if (isLast || step.step % every === 0) line(describeStep(step, state))
    } else if (isLast || performance.now() - drawn >= redrawMilliseconds) {
      drawn = performance.now()
      const text = bar(step.step, state.totalSteps) + describeStep(step, state)
      stream.write(`\r\x1b[K${text.slice(0, (stream.columns ?? 80) - 1)}`)
    }
  }
  return (event) => {
    switch (event.type) {
      case 'learningRate':
        line(`learning rate ${event.suggestion.toPrecision(2)}, found in ${event.curve.length} trial steps`)
        break
      case 'start':
        state.totalSteps = event.totalSteps
        line(describeStart(event))
        break
      case 'step':
        addStep(state, event)
        draw(event)
        break
      case 'epoch':
        line(`epoch ${event.epoch} · mean loss ${event.loss.toFixed(4)} · ${formatTime(event.seconds)}`)
        break
      case 'evaluate':
        line(`evaluation after step ${event.step} · ${formatMetrics(event.metrics)}`)
        break
      case 'best':
        line(`best ${event.metric} so far: ${formatNumber(event.value)}`)
        break
      case 'resume':
        line(`resumed after step ${event.step}, in epoch ${event.epoch}`)
        break
      case 'skip':
        line(`step ${event.step} skipped: ${event.reason}`)
        break
      case 'earlyStop':
        line(`stopping early after step ${event.step}: no better since`)
        break
      case 'checkpoint':
        // Too often to be said.
        break
      case 'end':
        line(`trained ${event.result.steps} steps in ${formatTime(event.result.seconds)}`)
        break
      case 'aborted':
        line(`stopped after ${event.result.steps} steps; what was learned is kept`)
        break
    }
  }
}

type StepEvent = Extract<TrainingEvent, { type: 'step' }>

interface ProgressState {
  totalSteps: number | undefined
  /** An exponential average, not yet corrected for its start at 0. */
  smoothedLoss: number
  examples: number
  seconds: number
  steps: number
}

const smoothing = 0.9

function addStep(state: ProgressState, { loss, examples, seconds }: StepEvent): void {
  state.smoothedLoss = smoothing * state.smoothedLoss + (1 - smoothing) * loss
  state.examples += examples
  state.seconds += seconds
  state.steps++
}

function describeStart({
  totalSteps,
  epochs,
  parameters,
}: Extract<TrainingEvent, { type: 'start' }>): string {
  const length = [
    totalSteps === undefined ? undefined : `${totalSteps} steps`,
    epochs === undefined ? undefined : `${epochs} epochs`,
  ].filter((part) => part !== undefined)
  return `training ${parameters.toLocaleString('en')} parameters${length.length > 0 ? ` for ${length.join(', ')}` : ''}`
}

function describeStep({ step, epoch, learningRate }: StepEvent, state: ProgressState): string {
  const { totalSteps, steps, seconds, examples } = state
  const loss = state.smoothedLoss / (1 - smoothing ** steps)
  const parts = [
    totalSteps === undefined ? `step ${step}` : `step ${step}/${totalSteps}`,
    `epoch ${epoch}`,
    `loss ${loss.toFixed(4)}`,
    `rate ${learningRate.toExponential(1)}`,
    `${(examples / seconds).toFixed(0)} examples/s`,
  ]
  if (totalSteps !== undefined) parts.push(`${formatTime(((totalSteps - step) * seconds) / steps)} left`)
  return parts.join(' · ')
}

function bar(step: number, totalSteps: number | undefined): string {
  if (totalSteps === undefined) return ''
  const width = 16
  const filled = Math.min(width, Math.round((width * step) / totalSteps))
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} `
}

function formatMetrics(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(' · ')
}

function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(4)
}

function formatTime(seconds: number): string {
  const whole = Math.round(seconds)
  const pad = (value: number) => String(value).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  const short = `${minutes % 60}:${pad(whole % 60)}`
  return minutes < 60 ? short : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`
}
