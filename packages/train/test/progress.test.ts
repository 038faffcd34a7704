import { describe, expect, it } from 'vitest'
import { type FitResult, progressReporter, type StepRecord, type TrainingEvent } from '../src/index'

const stepAt = (step: number): StepRecord => ({
  step,
  epoch: step > 4 ? 2 : 1,
  loss: 0.5,
  learningRate: 5e-5,
  gradientNorm: 1,
  examples: 8,
  tokens: 80,
  targets: 8,
  seconds: 0.25,
})
const result: FitResult = {
  history: [],
  evaluations: [],
  best: undefined,
  stoppedEarly: false,
  steps: 8,
  seconds: 3725,
  phases: { data: 0, run: 0, update: 0, evaluate: 0 },
}
const events: TrainingEvent[] = [
  { type: 'start', totalSteps: 8, epochs: 2, parameters: 22_713_216 },
  ...Array.from({ length: 4 }, (_, index) => ({ type: 'step', ...stepAt(index + 1) }) as const),
  { type: 'epoch', epoch: 1, step: 4, loss: 0.5, seconds: 80 },
  { type: 'evaluate', step: 4, epoch: 1, metrics: { accuracy: 0.91234, examples: 872 }, seconds: 3 },
  { type: 'best', step: 4, epoch: 1, metric: 'accuracy', value: 0.91234 },
  ...Array.from({ length: 4 }, (_, index) => ({ type: 'step', ...stepAt(index + 5) }) as const),
  { type: 'end', result },
]

function report(options: { isTTY: boolean; every?: number; columns?: number }, reported = events): string {
  const { columns = 120, ...rest } = options
  let text = ''
  const onEvent = progressReporter({ ...rest, stream: { write: (part) => (text += part), columns } })
  reported.forEach(onEvent)
  return text
}

describe('progressReporter', () => {
  it('writes plain lines where there is no terminal', () => {
    expect(report({ isTTY: false, every: 4 }).split('\n')).toEqual([
      'training 22,713,216 parameters for 8 steps, 2 epochs',
      'step 4/8 · epoch 1 · loss 0.5000 · rate 5.0e-5 · 32 examples/s · 0:01 left',
      'epoch 1 · mean loss 0.5000 · 1:20',
      'evaluation after step 4 · accuracy 0.9123 · examples 872',
      'best accuracy so far: 0.9123',
      'step 8/8 · epoch 2 · loss 0.5000 · rate 5.0e-5 · 32 examples/s · 0:00 left',
      'trained 8 steps in 1:02:05',
      '',
    ])
  })

  it('draws a bar on a terminal, no wider than it, and overwrites it with lines', () => {
    const text = report({ isTTY: true })
    expect(text).toContain('\r\x1b[K██░░░░░░░░░░░░░░ step 1/8 · epoch 1 · loss 0.5000')
    expect(text).toContain('\r\x1b[K████████████████ step 8/8')
    expect(text).toContain('\r\x1b[Kbest accuracy so far: 0.9123\n')
    const narrow = report({ isTTY: true, columns: 30 }).split('\r\x1b[K')
    expect(narrow.filter((part) => part.includes('step 8/8'))).toEqual(['████████████████ step 8/8 · e'])
  })

  it('needs no total', () => {
    const step: TrainingEvent = { type: 'step', ...stepAt(50) }
    const start: TrainingEvent = { type: 'start', totalSteps: undefined, epochs: undefined, parameters: 3 }
    const aborted: TrainingEvent = { type: 'aborted', result }
    expect(report({ isTTY: false }, [start, step, aborted]).split('\n')).toEqual([
      'training 3 parameters',
      'step 50 · epoch 2 · loss 0.5000 · rate 5.0e-5 · 32 examples/s',
      'stopped after 8 steps; what was learned is kept',
      '',
    ])
  })
})
