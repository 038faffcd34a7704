import { ArgumentError, mixSeed, TrainingError } from '@tfx/common'
import type { StepRecord } from './events'
import { atWorstNeighbour } from './adversarial'
import { type KeptBuffers, takeBuffers } from './buffers'
import { clipCoefficient, clipEach } from './clipping'
import { accumulates, type ResolvedFitOptions, type TrainingBatch } from './fit-options'
import { findNonFinite, globalNorm } from './gradients'
import { groupsAt, namesAt } from './parameter-groups'
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
  /** What a plateau has made of the learning rate. */
  readonly rateScale: number
  /** Why the step must not be taken. */
  flaw: TrainingError | undefined
  /** What the buffers were before it, until it is taken. */
  readonly keptBuffers: KeptBuffers
}

/** Begins a step. */
export function beginStep({ step, epoch }: { step: number; epoch: number }, rateScale = 1): PendingStep {
  const sums = { microBatches: 0, targets: 0, lossSum: 0, examples: 0, tokens: 0 }
  return {
    step,
    epoch,
    started: performance.now(),
    rateScale,
    ...sums,
    flaw: undefined,
    keptBuffers: new Map(),
  }
}

/**
 * Runs the program on one micro-batch and adds its gradient to the step's.
 *
 * @param work `whileRunning` is called once the program has started.
 * @throws TrainingError if the loss is not finite and such steps are not to be skipped.
 */
export async function learnFrom(
  batch: TrainingBatch,
  { pending, whileRunning }: { pending: PendingStep; whileRunning: () => void },
  options: ResolvedFitOptions,
): Promise<void> {
  const { program, store, parameters, adversarial } = options
  const seed = mixSeed(
    options.seed,
    (pending.step - 1) * options.gradientAccumulationSteps + pending.microBatches,
  )
  const running = program.run(batch.inputs, { seed })
  whileRunning()
  const outputs = await running
  const loss = outputs.loss?.data[0]
  if (loss === undefined) throw missingLoss()
  if (!Number.isFinite(loss)) {
    pending.flaw ??= nonFinite(`the loss is ${loss}`, pending, options)
    if (options.skipNonFinite === 0) throw pending.flaw
  }
  if (pending.flaw === undefined) await takeBuffers(outputs, pending.keptBuffers, options)
  if (accumulates(options)) {
    // Each gradient is of a mean over the targets of its own micro-batch: weigh it by their number.
    const slots = { from: 'gradient', to: 'accumulated', scale: batch.weight }
    accumulateSlot(store, parameters, { ...slots, keep: pending.microBatches === 0 ? 0 : 1 })
    if (adversarial !== undefined && pending.flaw === undefined) {
      await atWorstNeighbour(store, adversarial, async () => {
        await program.run(batch.inputs, { seed })
        accumulateSlot(store, parameters, slots)
      })
    }
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
 * @returns Its record, or undefined if the step has a flaw and is skipped.
 * @throws TrainingError if a gradient is not finite and such steps are not to be skipped, before any parameter is changed.
 */
export async function applyStep(
  pending: PendingStep,
  options: ResolvedFitOptions,
): Promise<StepRecord | undefined> {
  if (pending.flaw !== undefined) return undefined
  const { store, optimizer, clipping } = options
  const groups = groupsAt(options.groups, pending.step)
  const active = new Set(namesAt(groups, pending.step))
  const names = options.parameters.filter((name) => active.has(name))
  const isSum = accumulates(options)
  const gradientSlot = isSum ? 'accumulated' : 'gradient'
  const average = isSum ? 1 / pending.targets : 1
  const gradientNorm = (await globalNorm(store, names, gradientSlot)) * average
  if (!Number.isFinite(gradientNorm)) {
    const name = await findNonFinite(store, names, gradientSlot)
    pending.flaw = nonFinite(`the gradient of '${name}' has a NaN or an infinity`, pending, options)
    if (options.skipNonFinite === 0) throw pending.flaw
    return undefined
  }
  let gradientScale = average
  if (clipping === undefined || clipping.by === 'norm') {
    gradientScale *= clipCoefficient(gradientNorm, clipping?.maximum ?? options.maxGradientNorm)
  } else {
    const { by, maximum } = clipping
    // Limits are on the average gradient: bring it there before, not after.
    if (isSum) accumulateSlot(store, names, { from: gradientSlot, to: gradientSlot, keep: 0, scale: average })
    clipEach(store, names, { by, maximum, slot: gradientSlot })
    gradientScale = 1
  }
  const { step, epoch, targets, examples, tokens } = pending
  const learningRate = rateOf(pending, options)
  for (const { names, weightDecay, learningRateScale = 1, firstStep = 1 } of groups) {
    const rate = learningRate * learningRateScale
    const own = { names, weightDecay, learningRate: rate, step: step - firstStep + 1 }
    optimizer.update({ store, gradientSlot, gradientScale, ...own })
  }
  const seconds = (performance.now() - pending.started) / 1000
  const loss = pending.lossSum / targets
  pending.keptBuffers.clear()
  return { step, epoch, loss, learningRate, gradientNorm, examples, tokens, targets, seconds }
}

/** @throws ArgumentError if the schedule gives no number: the rate would spoil every parameter. */
function rateOf({ step, rateScale }: PendingStep, { learningRate, schedule }: RateOptions): number {
  const factor = schedule(step - 1)
  if (Number.isFinite(factor)) return learningRate * factor * rateScale
  throw new ArgumentError({
    function: 'fit',
    argument: 'schedule',
    expected: 'a function from the step to a finite factor on the learning rate',
    received: `${String(factor)} at step ${step}`,
    remedy: 'Correct it: its steps are counted from 0. The parameters are as they were before the step.',
  })
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
