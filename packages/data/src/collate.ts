import { ArgumentError, DataError, type HostTensor } from '@tfx/common'

/** What a tokenizer makes of one example. */
export interface Encoding {
  /** Token ids: [tokens]. */
  inputIds: ArrayLike<number>
  /** 1 for tokens to attend to, 0 for those to ignore: [tokens]. Default: all 1. */
  attentionMask?: ArrayLike<number>
  /** 0 for tokens of the first text, 1 for those of the second: [tokens]. */
  tokenTypeIds?: ArrayLike<number>
}

/** Options of {@link collate}. */
export interface CollateOptions {
  /** The id that fills up short sequences: the tokenizer's padding token. */
  padTokenId: number
  /** Round the common length up to a multiple of this, so that few lengths occur. Default 1. */
  padToMultipleOf?: number
  /** The longest sequence that the model takes: padding stops there, and a longer encoding is an error. */
  maxLength?: number
}

/** A batch as a model takes it. */
export interface CollatedBatch {
  /** [batch, sequence] */
  inputIds: HostTensor<'int32'>
  /** [batch, sequence]: 1 for tokens, 0 for padding. */
  attentionMask: HostTensor<'int32'>
  /** [batch, sequence]; there if the encodings have them. */
  tokenTypeIds?: HostTensor<'int32'>
  /** The number of tokens of each example, without padding. */
  lengths: number[]
}

/**
 * Puts encodings into one batch, padded on the right to the longest of them.
 *
 * @throws ArgumentError on no encodings or wrong options; DataError on an encoding that is empty or longer
 *   than `maxLength`, on masks or token types of another length than the ids, or on token types that only
 *   some encodings have.
 *
 * @example
 * ```ts
 * collate([{ inputIds: [101, 7592, 102] }, { inputIds: [101, 102] }], { padTokenId: 0 }).inputIds
 * // { dtype: 'int32', shape: [2, 3], data: Int32Array [101, 7592, 102, 101, 102, 0] }
 * ```
 */
export function collate(encodings: readonly Encoding[], options: CollateOptions): CollatedBatch {
  const { padTokenId, padToMultipleOf = 1, maxLength = Infinity } = options
  checkOptions(encodings, options)
  const withTypes = encodings[0]?.tokenTypeIds !== undefined
  const lengths = encodings.map((encoding, index) => checkEncoding(encoding, { index, maxLength, withTypes }))
  const rounded = Math.ceil(Math.max(...lengths) / padToMultipleOf) * padToMultipleOf
  const shape = [encodings.length, Math.min(rounded, maxLength)] as const
  const ones = (length: number) => new Int32Array(length).fill(1)
  return {
    inputIds: padRows(
      encodings.map(({ inputIds }) => inputIds),
      { shape, fill: padTokenId },
    ),
    attentionMask: padRows(
      encodings.map(({ inputIds, attentionMask }) => attentionMask ?? ones(inputIds.length)),
      { shape, fill: 0 },
    ),
    ...(withTypes && {
      tokenTypeIds: padRows(
        encodings.map(({ tokenTypeIds }) => tokenTypeIds ?? []),
        { shape, fill: 0 },
      ),
    }),
    lengths,
  }
}

/**
 * Class indices as a tensor.
 *
 * @param numLabels The number of classes.
 * @returns int32 [batch].
 * @throws ArgumentError on what is no index of a class; -100, the label to ignore, is allowed.
 */
export function classLabels(labels: readonly number[], numLabels: number): HostTensor<'int32'> {
  for (const [index, label] of labels.entries()) {
    if (label === -100 || (Number.isInteger(label) && label >= 0 && label < numLabels)) continue
    throw new ArgumentError({
      function: 'classLabels',
      argument: `labels[${index}]`,
      expected: `a class index from 0 to ${numLabels - 1}`,
      received: String(label),
      remedy: 'Turn label names into indices with encodeLabels first.',
    })
  }
  return { dtype: 'int32', shape: [labels.length], data: Int32Array.from(labels) }
}

/**
 * Targets of a regression as a tensor.
 *
 * @returns float32 [batch].
 * @throws ArgumentError on a target that is not finite.
 */
export function regressionTargets(targets: readonly number[]): HostTensor<'float32'> {
  const wrong = targets.findIndex((target) => !Number.isFinite(target))
  if (wrong === -1) return { dtype: 'float32', shape: [targets.length], data: Float32Array.from(targets) }
  throw new ArgumentError({
    function: 'regressionTargets',
    argument: `targets[${wrong}]`,
    expected: 'a finite number',
    received: String(targets[wrong]),
    remedy: 'Leave out examples without a target.',
  })
}

/**
 * Rows of whole numbers as one tensor, filled up on the right.
 *
 * @param options `fill`: what fills short rows up. `shape`: default as many columns as the longest row has.
 * @returns int32 [rows, columns].
 *
 * @example
 * ```ts
 * padRows([[5, 6], [7]], { fill: -100 }) // { dtype: 'int32', shape: [2, 2], data: Int32Array [5, 6, 7, -100] }
 * ```
 */
export function padRows(
  rows: readonly ArrayLike<number>[],
  {
    fill,
    shape = [rows.length, Math.max(0, ...rows.map(({ length }) => length))],
  }: { fill: number; shape?: readonly [number, number] },
): HostTensor<'int32'> {
  const data = new Int32Array(shape[0] * shape[1]).fill(fill)
  rows.forEach((row, index) => data.set(row, index * shape[1]))
  return { dtype: 'int32', shape, data }
}

function checkOptions(encodings: readonly Encoding[], options: CollateOptions): void {
  const { padTokenId, padToMultipleOf = 1, maxLength = 1 } = options
  if (encodings.length === 0) {
    throw new ArgumentError({
      function: 'collate',
      argument: 'encodings',
      expected: 'at least one encoding',
      received: 'empty',
      remedy: 'Leave out empty batches.',
    })
  }
  for (const [argument, value, least] of [
    ['padTokenId', padTokenId, 0],
    ['padToMultipleOf', padToMultipleOf, 1],
    ['maxLength', maxLength, 1],
  ] as const) {
    if (Number.isInteger(value) && value >= least) continue
    throw new ArgumentError({
      function: 'collate',
      argument,
      expected: `an integer of at least ${least}`,
      received: String(value),
      remedy: 'Take it from the tokenizer and the configuration of the model.',
    })
  }
}

function checkEncoding(
  encoding: Encoding,
  { index, maxLength, withTypes }: { index: number; maxLength: number; withTypes: boolean },
): number {
  const { inputIds, attentionMask, tokenTypeIds } = encoding
  const fail = (field: string, details: { expected: string; received: string; remedy: string }) =>
    new DataError({ function: 'collate', argument: `encodings[${index}].${field}`, ...details })
  const { length } = inputIds
  if (length === 0 || length > maxLength) {
    throw fail('inputIds', {
      expected: length === 0 ? 'at least one token' : `at most the ${maxLength} tokens that the model takes`,
      received: String(length),
      remedy: 'Tokenize with special tokens, and with truncation to the maximum length.',
    })
  }
  for (const [field, values] of Object.entries({ attentionMask, tokenTypeIds })) {
    if (values === undefined || values.length === length) continue
    throw fail(field, {
      expected: `as long as the ${length} inputIds`,
      received: String(values.length),
      remedy: 'Pass what the tokenizer gave, unchanged.',
    })
  }
  if ((tokenTypeIds !== undefined) === withTypes) return length
  throw fail('tokenTypeIds', {
    expected: withTypes ? 'there, as in encodings[0]' : 'absent, as in encodings[0]',
    received: withTypes ? 'absent' : 'there',
    remedy: 'Tokenize all examples with the same settings.',
  })
}
