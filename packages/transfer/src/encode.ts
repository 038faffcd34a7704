import type { InputSpec } from '@tfx/backend'
import { DataError, type HostTensor } from '@tfx/common'
import { type EncoderConfig, encodeTexts, modelFamily, type TokenizedText, type Tokenizer } from '@tfx/core'
import { collate, type Encoding } from '@tfx/data'
import { checkMaxLength } from './check-options'
import type { TextInput } from './head'
import type { TransferOptions } from './options'
import type { EncodedExample } from './task'

/** How texts are turned into tokens. */
export interface EncodeOptions {
  readonly tokenizer: Tokenizer
  readonly maxLength: number
  readonly truncation: boolean
  /** The public function to name in errors. */
  readonly caller: string
  /** How many places to leave in front of every text, for the embeddings of a prompt. Default 0. */
  readonly virtualTokens?: number
  /** What to call the texts in errors. Default `text`. */
  readonly argument?: string
}

/** How the tokens of data sets are kept. */
export type KeepTokensOptions = Pick<TransferOptions, 'cacheDirectory' | 'cacheTokens' | 'signal'>

/**
 * Tokenizes examples.
 *
 * @throws DataError if texts are longer than `maxLength` and may not be cut.
 */
export function encodeExamples<Example extends TextInput>(
  examples: readonly Example[],
  options: EncodeOptions,
): EncodedExample<Example>[] {
  const texts = examples.map(textsOf)
  const tokenized = options.tokenizer.encodeBatch(texts, { maxLength: roomForText(options) })
  return joined(examples, withinLimit(texts, tokenized, options))
}

/**
 * Tokenizes examples, by the tokens that an earlier run has kept where the data set is large.
 *
 * @throws DataError if texts are longer than `maxLength` and may not be cut, AbortedError if the signal fires.
 */
export async function encodeDataset<Example extends TextInput>(
  examples: readonly Example[],
  options: EncodeOptions & KeepTokensOptions,
): Promise<EncodedExample<Example>[]> {
  return joined(examples, await encodeColumn(examples.map(textsOf), options))
}

/** As {@link encodeDataset}, of texts alone. */
export async function encodeColumn(
  texts: readonly Texts[],
  { cacheDirectory, cacheTokens = true, signal, ...options }: EncodeOptions & KeepTokensOptions,
): Promise<Encoding[]> {
  const tokenized = await encodeTexts(options.tokenizer, texts, {
    maxLength: roomForText(options),
    ...(!cacheTokens && { cacheFromCharacters: Infinity }),
    ...(cacheDirectory !== undefined && { cacheDirectory }),
    ...(signal && { signal }),
  })
  return withinLimit(texts, tokenized, options)
}

type Texts = string | readonly [string, string]

const textsOf = ({ text, textPair }: TextInput): Texts => (textPair === undefined ? text : [text, textPair])

const joined = <Example>(examples: readonly Example[], encodings: readonly Encoding[]) =>
  examples.map((example, index): EncodedExample<Example> => ({ example, encoding: encodings[index]! }))

/** How many tokens of a text fit. @throws ArgumentError if a prompt leaves no room for a text. */
export function roomForText({
  maxLength,
  virtualTokens = 0,
  caller,
}: Pick<EncodeOptions, 'maxLength' | 'virtualTokens' | 'caller'>): number {
  if (virtualTokens > 0) checkMaxLength(maxLength - virtualTokens, maxLength, caller)
  return maxLength - virtualTokens
}

/** An encoding with places in front for a prompt; any id will do that is not padding, by which some models count positions. */
export function behindPrompt(
  encoding: Encoding,
  { virtualTokens = 0, tokenizer }: Pick<EncodeOptions, 'virtualTokens' | 'tokenizer'>,
): Encoding {
  if (virtualTokens === 0) return encoding
  const behind = (value: number, row: ArrayLike<number>) => withInFront(row, { count: virtualTokens, value })
  const { inputIds, attentionMask, tokenTypeIds } = encoding
  return {
    inputIds: behind(tokenizer.padTokenId === 0 ? 1 : 0, inputIds),
    ...(attentionMask && { attentionMask: behind(1, attentionMask) }),
    ...(tokenTypeIds && { tokenTypeIds: behind(0, tokenTypeIds) }),
  }
}

/** Numbers with others of one value in front. */
export const withInFront = (
  row: ArrayLike<number>,
  { count, value }: { count: number; value: number },
): Int32Array => Int32Array.from([...new Array<number>(count).fill(value), ...Array.from(row)])

/** @throws DataError if something was cut that may not be. */
function withinLimit(
  texts: readonly Texts[],
  tokenized: readonly TokenizedText[],
  options: EncodeOptions,
): Encoding[] {
  const { truncation, caller, argument = 'text' } = options
  const tooLong = texts.filter((_, index) => tokenized[index]!.truncated)
  const [first] = tooLong
  if (first === undefined || truncation)
    return tokenized.map(({ truncated: _, ...encoding }) => behindPrompt(encoding, options))
  throw new DataError({
    function: caller,
    argument,
    expected: `at most ${roomForText(options)} tokens long, which is what the model takes`,
    received: `${tooLong.length} longer; the first is '${excerpt([first].flat()[0]!)}'`,
    remedy: 'Pass { truncation: true } to use their beginnings only, or shorten them.',
  })
}

const excerpt = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text)

/** The tensors of a batch that a model takes. */
export function modelInputs(
  encodings: readonly Encoding[],
  { tokenizer, config }: ModelInputOptions,
): { inputs: Record<string, HostTensor>; lengths: number[] } {
  const { inputIds, attentionMask, tokenTypeIds, lengths } = collate(encodings, {
    padTokenId: tokenizer.padTokenId,
  })
  const inputs: Record<string, HostTensor> = { inputIds, attentionMask }
  if (usesTokenTypes(config)) {
    const { shape } = inputIds
    inputs.tokenTypeIds = tokenTypeIds ?? {
      dtype: 'int32',
      shape,
      data: new Int32Array(inputIds.data.length),
    }
  }
  return { inputs, lengths }
}

/** Of which model the inputs are. */
export interface ModelInputOptions {
  readonly tokenizer: Tokenizer
  readonly config: EncoderConfig
}

/** Whether a model takes the segment of each token. */
export const usesTokenTypes = (config: EncoderConfig): boolean => modelFamily(config.modelType).usesTokenTypes

/** The inputs of a model as a step declares them. */
export function modelInputSpecs(config: EncoderConfig): Record<string, InputSpec> {
  const spec = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  return { inputIds: spec, attentionMask: spec, ...(usesTokenTypes(config) && { tokenTypeIds: spec }) }
}
