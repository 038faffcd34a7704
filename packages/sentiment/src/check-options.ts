import { ArgumentError, checkSwitch } from '@tfx/common'
import type { TransferDataset, TransferOptions } from '@tfx/transfer'
import type { SentimentOptions } from './options'

type Options = SentimentOptions & TransferOptions

/** @throws ArgumentError on two ways to learn at once, or what is neither yes nor no. */
export function checkKind({ fewShot, multiLabel }: Options): void {
  checkSwitch(multiLabel, { caller: 'transfer', argument: 'multiLabel' })
  // What is in an object is looked at where it is used.
  if (typeof fewShot !== 'object' || (fewShot as unknown) === null)
    checkSwitch(fewShot, { caller: 'transfer', argument: 'fewShot' })
  if (!fewShot || !multiLabel) return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'fewShot',
    expected: 'left out with multiLabel: pairs are of texts with one label each',
    received: 'both',
    remedy: 'Leave one of them out.',
  })
}

/** @throws ArgumentError if there is nothing to calibrate by. */
export function checkCalibration(dataset: TransferDataset, { calibrate, validation }: Options): void {
  checkSwitch(calibrate, { caller: 'transfer', argument: 'calibrate' })
  if (!calibrate || hasValidation(dataset) || (validation !== false && validation !== 0)) return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'calibrate',
    expected: 'with examples to validate on: the temperature is found by them',
    received: 'none',
    remedy: 'Pass { validation: 0.1 }, a data set for validation, or leave calibrate out.',
  })
}

/**
 * The options of few-shot learning, which learns from every example.
 *
 * @throws ArgumentError if examples are to be set aside, or there are some.
 */
export function withoutValidation(dataset: TransferDataset, options: Options): Options {
  const { validation } = options
  const isAsked = validation !== undefined && validation !== false && validation !== 0
  if (!isAsked && !hasValidation(dataset)) return { ...options, validation: false }
  throw new ArgumentError({
    function: 'transfer',
    argument: 'validation',
    expected: 'left out with fewShot: each step leaves a classifier only after the last',
    received: isAsked ? 'some' : 'a data set with examples for it',
    remedy: 'Pass the examples to learn from alone, and call model.evaluate(dataset) with the others.',
  })
}

function hasValidation(dataset: TransferDataset): boolean {
  // What is no data set at all is found later.
  const { validation } = ((dataset as unknown) ?? {}) as { validation?: unknown }
  return validation !== undefined
}
