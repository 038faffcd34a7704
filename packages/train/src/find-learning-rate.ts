import { DataError, throwIfAborted } from '@tfx/common'
import { checkCount, checkNumber } from './check-numbers'
import { type FitOptions, resolveFitOptions, type TrainingBatch } from './fit-options'
import { clearSlots } from './slots'
import { applyStep, beginStep, learnFrom } from './training-step'

/** What {@link findLearningRate} takes of the options of `fit`, and its own. */
export interface FindLearningRateOptions extends Pick<
  FitOptions,
  | 'store'
  | 'program'
  | 'parameters'
  | 'optimizer'
  | 'batches'
  | 'groups'
  | 'maxGradientNorm'
  | 'clipping'
  | 'seed'
  | 'signal'
> {
  /** The lowest rate. Default 1e-7. */
  readonly start?: number
  /** The highest. Default 10. */
  readonly end?: number
  /** Over how many steps the rate rises from one to the other. Default 100. */
  readonly steps?: number
}

/** What a search of the learning rate saw. */
export interface LearningRateFinding {
  /** Where the longest fall of the loss is steep and still safe: fastai's `valley`. */
  readonly suggestion: number
  /** The rate of each step, and the smoothed loss before it. */
  readonly curve: readonly { readonly learningRate: number; readonly loss: number }[]
}

/** fastai's exponential average of the loss. */
const smoothing = 0.98
/** Where the loss has grown by this factor over its best, higher rates need not be tried. */
const divergence = 4

/**
 * Trains for a moment at an exponentially rising rate and suggests one from how the loss falls (Smith,
 * https://arxiv.org/abs/1506.01186), as `lr_find` of fastai. The parameters end as they were.
 *
 * @returns The suggestion and the curve; `plotLearningRates` draws it.
 * @throws ArgumentError on limits that cannot be meant; DataError if the data has no batch with targets, or the loss was
 *   never finite for long enough.
 *
 * @example
 * ```ts
 * const { suggestion } = await findLearningRate({ store, program, parameters, optimizer, batches: () => batches })
 * ```
 */
export async function findLearningRate({
  start = 1e-7,
  end = 10,
  steps = 100,
  ...rest
}: FindLearningRateOptions): Promise<LearningRateFinding> {
  checkNumber('findLearningRate', { start }, { least: Number.MIN_VALUE, most: end })
  checkCount('findLearningRate', { steps }, 20)
  const schedule = (step: number) => (end / start) ** (step / steps)
  const options = resolveFitOptions({
    ...rest,
    learningRate: start,
    schedule,
    maxSteps: steps,
    skipNonFinite: 1,
  })
  const { store, parameters, optimizer, signal } = options
  const kept = await Promise.all(parameters.map((name) => store.read(name)))
  clearSlots(store, parameters, optimizer.slots)
  const curve: { learningRate: number; loss: number }[] = []
  let average = 0
  let best = Infinity
  try {
    for await (const batch of endless(options.batches)) {
      throwIfAborted(signal, 'findLearningRate')
      const pending = beginStep({ step: curve.length + 1, epoch: 1 })
      await learnFrom(batch, { pending, whileRunning: () => undefined }, options)
      const record = await applyStep(pending, options)
      // Too high a rate ends in infinities: there is nothing more to see.
      if (record === undefined) break
      average = smoothing * average + (1 - smoothing) * record.loss
      const loss = average / (1 - smoothing ** (curve.length + 1))
      best = Math.min(best, loss)
      curve.push({ learningRate: record.learningRate, loss })
      if (loss > divergence * best || curve.length === steps) break
    }
  } finally {
    for (const [index, name] of parameters.entries()) store.write(name, kept[index]!)
    clearSlots(store, parameters, optimizer.slots)
  }
  // Its beginning is noise and its end the explosion.
  const steady = curve.slice(Math.floor(steps / 10), -5)
  if (steady.length === 0) throw tooShort(curve.length)
  return { suggestion: steady[valley(steady.map(({ loss }) => loss))]!.learningRate, curve }
}

/** Epoch after epoch of batches with targets. */
async function* endless(batches: FitOptions['batches']): AsyncGenerator<TrainingBatch> {
  for (let epoch = 1; ; epoch++) {
    let isEmpty = true
    for await (const batch of batches(epoch)) {
      if (batch.weight === 0) continue
      isEmpty = false
      // The loop may never leave the microtask queue; timers and signals need a turn too.
      await new Promise((resolve) => setImmediate(resolve))
      yield batch
    }
    if (isEmpty) throw tooShort(0)
  }
}

/**
 * A point half-way into the second third of the longest falling subsequence of losses.
 *
 * Follows `valley` of fastai, whose start lies one before the subsequence's own length back from its end.
 */
export function valley(losses: readonly number[]): number {
  const lengths = losses.map(() => 1)
  let start = 0
  let end = 0
  for (let i = 1; i < losses.length; i++) {
    for (let j = 0; j < i; j++) {
      if (losses[i]! < losses[j]! && lengths[i]! < lengths[j]! + 1) lengths[i] = lengths[j]! + 1
      if (lengths[end]! < lengths[i]!) {
        end = i
        start = end - lengths[end]!
      }
    }
  }
  const third = (end - start) / 3
  return Math.max(0, start + Math.trunc(third) + Math.trunc(third / 2))
}

/**
 * Draws what a search of the learning rate saw, as an SVG image of 640 × 400.
 *
 * @example
 * ```ts
 * await writeFile('learning-rate.svg', plotLearningRates(finding))
 * ```
 */
export function plotLearningRates({ curve, suggestion }: LearningRateFinding): string {
  const box = { left: 60, right: 620, top: 20, bottom: 350 }
  const rates = curve.map(({ learningRate }) => Math.log10(learningRate))
  const losses = curve.map(({ loss }) => loss)
  const [first, last] = [rates[0]!, rates.at(-1)!]
  const [low, high] = [Math.min(...losses), Math.max(...losses)]
  const x = (rate: number) => box.left + ((rate - first) / (last - first || 1)) * (box.right - box.left)
  const y = (loss: number) => box.bottom - ((loss - low) / (high - low || 1)) * (box.bottom - box.top)
  const points = rates.map((rate, index) => `${x(rate).toFixed(1)},${y(losses[index]!).toFixed(1)}`)
  const decades = Array.from(
    { length: Math.floor(last) - Math.ceil(first) + 1 },
    (_, i) => Math.ceil(first) + i,
  )
  const label = (at: number, text: string) =>
    `<text x="${at.toFixed(1)}" y="${box.bottom + 18}" text-anchor="middle">${text}</text>`
  const chosen = x(Math.log10(suggestion)).toFixed(1)
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 400" width="640" height="400" font-family="sans-serif" font-size="12" role="img">',
    `<title>Smoothed loss by learning rate; suggested ${suggestion.toPrecision(2)}</title>`,
    '<rect width="640" height="400" fill="white"/>',
    `<path d="M${box.left} ${box.top}V${box.bottom}H${box.right}" fill="none" stroke="gray"/>`,
    ...decades.map((decade) => label(x(decade), `1e${decade}`)),
    `<text x="${box.left - 6}" y="${box.top + 4}" text-anchor="end">${high.toPrecision(3)}</text>`,
    `<text x="${box.left - 6}" y="${box.bottom + 4}" text-anchor="end">${low.toPrecision(3)}</text>`,
    `<text x="340" y="390" text-anchor="middle">learning rate (loss smoothed; dashed: ${suggestion.toPrecision(2)})</text>`,
    `<path d="M${chosen} ${box.top}V${box.bottom}" stroke="crimson" stroke-dasharray="4 4"/>`,
    `<polyline points="${points.join(' ')}" fill="none" stroke="royalblue" stroke-width="2"/>`,
    '</svg>',
  ].join('\n')
}

function tooShort(steps: number): DataError {
  return new DataError({
    function: 'findLearningRate',
    argument: 'batches',
    expected: 'enough batches with targets, and a loss that is finite at low rates',
    received: `${steps} steps`,
    remedy: 'Check the data for broken inputs or labels, or start at a lower rate.',
  })
}
