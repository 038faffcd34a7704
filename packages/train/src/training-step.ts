import { ArgumentError, mixSeed, TrainingError } from '@tfx/common'
import type { StepRecord } from './events'
import type { ResolvedFitOptions, TrainingBatch } from './fit-options'
import { clipCoefficient, findNonFinite, globalNorm } from './gradients'
import { accumulateSlot } from './slots'

/** One optimizer step in the making: the sums over its micro-batches. */
export interface PendingStep {
  /** Its number, from 1. */
  readonly step: number
  readonly epoch: number
  /** In milliseconds, as `performance.now()`. */
  readonly started: number
  microBatches: number
  targets: number
  /** The sum of the losses of all targets. */
  lossSum: number
  examples: number
  tokens: number
}

/** Begins a step. */
export function beginStep({ step, epoch }: { step: number; epoch: number }): PendingStep {
  const started = performance.now()
  return { step, epoch, started, microBatches: 0, targets: 0, lossSum: 0, examples: 0, tokens: 0 }
}

/**
 * Runs the program on one micro-batch and adds its gradient to the step's.
 *
 * @param work `whileRunning` is called once the program has started.
 * @throws TrainingError if the loss is not finite.
 */
export async function learnFrom(
  batch: TrainingBatch,
  { pending, whileRunning }: { pending: PendingStep; whileRunning: () => void },
  { program, store, parameters, ...options }: ResolvedFitOptions,
): Promise<void> {
  const { gradientAccumulationSteps: accumulation } = options
  const seed = mixSeed(options.seed, (pending.step - 1) * accumulation + pending.microBatches)
  const running = program.run(batch.inputs, { seed })
  whileRunning()
  const loss = (await running).loss?.data[0]
  if (loss === undefined) throw missingLoss()
  if (!Number.isFinite(loss)) throw nonFinite(`the loss is ${loss}`, pending, options)
  if (accumulation > 1) {
    // Each gradient is of a mean over the targets of its own micro-batch: weigh it by their number.
    const scaling = { scale: batch.weight, keep: pending.microBatches === 0 ? 0 : 1 }
    accumulateSlot(store, parameters, { from: 'gradient', to: 'accumulated', ...scaling })
  }
  pending.microBatches++
  pending.targets += batch.weight
  pending.lossSum += batch.weight * loss
  pending.examples += batch.examples
  pending.tokens += batch.tokens
}

/**
 * Clips the step's gradient and updates the parameters.
 *
 * @throws TrainingError if a gradient is not finite, before any parameter is changed.
 */
export async function applyStep(pending: PendingStep, options: ResolvedFitOptions): Promise<StepRecord> {
  const { store, parameters, optimizer, groups, gradientAccumulationSteps } = options
  const accumulates = gradientAccumulationSteps > 1
  const gradientSlot = accumulates ? 'accumulated' : 'gradient'
  const average = accumulates ? 1 / pending.targets : 1
  const gradientNorm = (await globalNorm(store, parameters, gradientSlot)) * average
  if (!Number.isFinite(gradientNorm)) {
    const name = await findNonFinite(store, parameters, gradientSlot)
    throw nonFinite(`the gradient of '${name}' has a NaN or an infinity`, pending, options)
  }
  const gradientScale = average * clipCoefficient(gradientNorm, options.maxGradientNorm)
  const { step, epoch, targets, examples, tokens } = pending
  const learningRate = rateOf(pending, options)
  for (const { names, weightDecay } of groups) {
    optimizer.update({ store, names, weightDecay, gradientSlot, gradientScale, learningRate, step })
  }
  const seconds = (performance.now() - pending.started) / 1000
  const loss = pending.lossSum / targets
  return { step, epoch, loss, learningRate, gradientNorm, examples, tokens, targets, seconds }
}

function rateOf({ step }: PendingStep, { learningRate, schedule }: RateOptions): number {
  return learningRate * schedule(step - 1)
}

type RateOptions = Pick<ResolvedFitOptions, 'learningRate' | 'schedule'>

function nonFinite(what: string, pending: PendingStep, options: RateOptions): TrainingError {
  const where = `in step ${pending.step} (epoch ${pending.epoch}, micro-batch ${pending.microBatches + 1})`
  return new TrainingError({
    function: 'fit',
    argument: 'learningRate',
    expected: 'low enough for a finite loss and finite gradients',
    received: `${rateOf(pending, options)}: ${what} ${where}`,
    remedy:
      'Lower it or warm it up for longer; if this happens in the first steps, look at that batch for broken ' +
      'inputs or labels. The parameters are as they were before the step.',
  })
}

function missingLoss(): ArgumentError {
  return new ArgumentError({
    function: 'fit',
    argument: 'program',
    expected: "a program with the output 'loss', a scalar",
    received: 'one without',
    remedy: "Return { loss } from the step and compile it with gradients: { of: 'loss', … }.",
  })
}
