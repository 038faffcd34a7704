import { ArgumentError, DataError } from '@tfx/common'
import type { ModelConfig } from '@tfx/core'
import type { RowSource } from '@tfx/data'
import type { TransferOptions } from './options'
import type { TaskBasics } from './task'

/** Rows to learn from, or training rows with validation rows beside them. */
export type TransferDataset = RowSource | { readonly train: RowSource; readonly validation?: RowSource }

/** A data set as it was given, with what it is to be validated on. */
export interface DatasetParts {
  readonly train: RowSource
  readonly validation: TransferOptions['validation'] | undefined
}

/** What training and validation are done on. */
export interface PreparedData<Example> {
  readonly training: readonly Example[]
  readonly validation: readonly Example[]
  readonly notes: readonly string[]
}

/**
 * Tells the rows to learn from and those to validate on apart; validation rows in the data set win over the option.
 *
 * @throws ArgumentError if it is no data set.
 */
export function datasetParts(
  dataset: TransferDataset,
  validation: TransferOptions['validation'] | undefined,
): DatasetParts {
  const given: unknown = dataset
  if (typeof given === 'string' || given instanceof URL) return { train: given, validation }
  if (typeof given !== 'object' || given === null) {
    throw new ArgumentError({
      function: 'transfer',
      argument: 'dataset',
      expected: 'a path, rows, or { train, validation }',
      received: String(given),
      remedy: "For instance transfer(base, 'reviews.csv') or transfer(base, [{ text, label }, …]).",
    })
  }
  const isRows = Symbol.iterator in given || Symbol.asyncIterator in given
  if (isRows || !('train' in given)) return { train: dataset as RowSource, validation }
  const parts = dataset as Exclude<TransferDataset, RowSource>
  return { train: parts.train, validation: parts.validation ?? validation }
}

/**
 * Reads the data and sets the validation part aside.
 *
 * @throws DataError, ArgumentError
 */
export async function readDataset<Example, Options extends object, Config extends ModelConfig>(
  head: Pick<TaskBasics<Example, Options, Config>, 'read' | 'split'>,
  { train, validation }: DatasetParts,
  options: Options & TransferOptions & { validationFraction: number; seed: number },
): Promise<PreparedData<Example>> {
  const { examples, notes } = await head.read(train, options)
  requireExamples(examples, 'dataset')
  if (isRows(validation)) {
    const held = await head.read(validation, options)
    requireExamples(held.examples, 'validation')
    return { training: examples, validation: held.examples, notes }
  }
  const fraction = options.validationFraction
  // Too few to set any aside: learn from all of them.
  if (examples.length * fraction < 1) return { training: examples, validation: [], notes }
  const { train: training, test } = head.split(examples, { fraction, seed: options.seed })
  return { training, validation: test, notes }
}

/** Whether validation is on rows of its own, not on a share of the training rows. */
function isRows(validation: TransferOptions['validation'] | undefined): validation is RowSource {
  return validation !== undefined && typeof validation !== 'number' && validation !== false
}

function requireExamples(examples: readonly unknown[], argument: string): void {
  if (examples.length > 0) return
  throw new DataError({
    function: 'transfer',
    argument,
    expected: 'at least one example to learn from',
    received: 'none',
    remedy: 'Check that the file is not empty and that its rows have what the task learns from.',
  })
}
