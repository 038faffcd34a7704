import type { ParameterStore } from '@tfx/backend'
import { checkCount, checkNumber } from './check-numbers'
import { checkOneOf } from './check-options'
import type { EvaluationWeights } from './optimizers/optimizer'
import { accumulateSlot, copySlot, swapSlots } from './slots'

/** Which average of the weights is evaluated and kept in place of the last ones. */
export type WeightAveraging =
  /** After each step: average ← decay · average + (1 − decay) · weights, from the weights at the start. */
  | { readonly kind: 'ema'; readonly decay: number }
  /** The plain mean of the weights after step `firstStep` and each `every` steps from there (Izmailov et al., https://arxiv.org/abs/1803.05407). */
  | { readonly kind: 'swa'; readonly firstStep: number; readonly every: number }

/** @throws ArgumentError on numbers that cannot be meant. */
export function checkAveraging(caller: string, averaging: WeightAveraging): void {
  checkOneOf(caller, { 'averaging.kind': averaging.kind }, ['ema', 'swa'])
  if (averaging.kind === 'ema') {
    checkNumber(caller, { 'averaging.decay': averaging.decay }, { least: 0, most: 1 - Number.EPSILON })
  } else {
    checkCount(caller, { 'averaging.firstStep': averaging.firstStep, 'averaging.every': averaging.every }, 1)
  }
}

/** An average in the slot `average` of a store. */
export interface Averaged {
  readonly averaging: WeightAveraging
  readonly store: ParameterStore
  readonly parameters: readonly string[]
}

/** What the average is before the first step. */
export function startAverage({ averaging, store, parameters }: Averaged): void {
  if (averaging.kind === 'ema') copySlot(store, parameters, { from: 'value', to: 'average' })
}

/** Takes the weights after a step into the average. */
export function updateAverage({ averaging, store, parameters }: Averaged, step: number): void {
  const slots = { from: 'value', to: 'average' }
  if (averaging.kind === 'ema') {
    const { decay } = averaging
    accumulateSlot(store, parameters, { ...slots, keep: decay, scale: 1 - decay })
    return
  }
  const since = step - averaging.firstStep
  if (since < 0 || since % averaging.every !== 0) return
  const count = since / averaging.every
  accumulateSlot(store, parameters, { ...slots, keep: count / (count + 1), scale: 1 / (count + 1) })
}

/** How to evaluate the average; undefined as long as there is none. */
export function averagedWeights(averaging: WeightAveraging, step: number): EvaluationWeights | undefined {
  if (averaging.kind === 'swa' && step < averaging.firstStep) return undefined
  const swap: EvaluationWeights['enter'] = (store, names) =>
    swapSlots(store, names, { from: 'average', to: 'value' })
  return { enter: swap, leave: swap }
}
