import { ArgumentError } from '@tfx/common'
import type { RowSource } from '@tfx/data'
import type { TaskHead, TextInput } from './head'
import type { TransferOptions } from './options'
import { requireExamples } from './transfer'

/** Rows to learn from, or training rows with validation rows beside them. */
export type TransferDataset = RowSource | { readonly train: RowSource; readonly validation?: RowSource }

/** What training and validation are done on. */
export interface PreparedData<Example> {
  readonly training: readonly Example[]
  readonly validation: readonly Example[]
  readonly notes: readonly string[]
}

/**
 * Reads the data and sets the validation part aside.
 *
 * @throws DataError, ArgumentError
 */
export async function readDataset<Example extends TextInput, Answer, Options extends object>(
  head: TaskHead<Example, Answer, Options>,
  dataset: TransferDataset,
  options: Options & TransferOptions & { validationFraction: number; seed: number },
): Promise<PreparedData<Example>> {
  const { train, validation = options.validation } = parts(dataset)
  const { examples, notes } = await head.read(train, options)
  requireExamples(examples, 'dataset')
  if (isRows(validation)) {
    const held = await head.read(validation, options)
    requireExamples(held.examples, 'validation')
    return { training: examples, validation: held.examples, notes }
  }
  const fraction = validation === false ? 0 : options.validationFraction
  // Too few to set any aside: learn from all of them.
  if (fraction === 0 || examples.length * fraction < 1) return { training: examples, validation: [], notes }
  const { train: training, test } = head.split(examples, { fraction, seed: options.seed })
  return { training, validation: test, notes }
}

function isRows(validation: TransferOptions['validation']): validation is RowSource {
  return validation !== undefined && typeof validation !== 'number' && validation !== false
}

function parts(dataset: TransferDataset): { train: RowSource; validation?: RowSource } {
  if (typeof dataset === 'string' || dataset instanceof URL) return { train: dataset }
  if (typeof dataset !== 'object' || dataset === null) {
    throw new ArgumentError({
      function: 'transfer',
      argument: 'dataset',
      expected: 'a path, rows, or { train, validation }',
      received: String(dataset),
      remedy: "For instance transfer(base, 'reviews.csv') or transfer(base, [{ text, label }, …]).",
    })
  }
  const isPlain = !(Symbol.iterator in dataset) && !(Symbol.asyncIterator in dataset)
  return isPlain && 'train' in dataset ? dataset : { train: dataset as RowSource }
}
