import type { InputSpec } from '@tfx/backend'
import { DataError, type HostTensor } from '@tfx/common'
import { type EncoderConfig, encodeTexts, modelFamily, type TokenizedText, type Tokenizer } from '@tfx/core'
import { collate, type Encoding } from '@tfx/data'
import type { TextInput } from './head'
import type { TransferOptions } from './options'

/** An example with its tokens. */
export interface EncodedExample<Example> {
  readonly example: Example
  readonly encoding: Encoding
}

/** How texts are turned into tokens. */
export interface EncodeOptions {
  readonly tokenizer: Tokenizer
  readonly maxLength: number
  readonly truncation: boolean
  /** The public function to name in errors. */
  readonly caller: string
}

/**
 * Tokenizes examples.
 *
 * @throws DataError if texts are longer than `maxLength` and may not be cut.
 */
export function encodeExamples<Example extends TextInput>(
  examples: readonly Example[],
  options: EncodeOptions,
): EncodedExample<Example>[] {
  const { tokenizer, maxLength } = options
  return joined(examples, tokenizer.encodeBatch(examples.map(textsOf), { maxLength }), options)
}

/**
 * Tokenizes examples, by the tokens that an earlier run has kept where the data set is large.
 *
 * @throws DataError if texts are longer than `maxLength` and may not be cut, AbortedError if the signal fires.
 */
export async function encodeDataset<Example extends TextInput>(
  examples: readonly Example[],
  { cacheDirectory, cacheTokens = true, signal, ...options }: EncodeOptions & EncodeDatasetOptions,
): Promise<EncodedExample<Example>[]> {
  const tokenized = await encodeTexts(options.tokenizer, examples.map(textsOf), {
    maxLength: options.maxLength,
    ...(!cacheTokens && { cacheFromCharacters: Infinity }),
    ...(cacheDirectory !== undefined && { cacheDirectory }),
    ...(signal && { signal }),
  })
  return joined(examples, tokenized, options)
}

type EncodeDatasetOptions = Pick<TransferOptions, 'cacheDirectory' | 'cacheTokens' | 'signal'>

const textsOf = ({ text, textPair }: TextInput) =>
  textPair === undefined ? text : ([text, textPair] as const)

function joined<Example extends TextInput>(
  examples: readonly Example[],
  tokenized: readonly TokenizedText[],
  { maxLength, truncation, caller }: EncodeOptions,
): EncodedExample<Example>[] {
  const tooLong = examples.filter((_, index) => tokenized[index]!.truncated)
  const [first] = tooLong
  if (first === undefined || truncation) {
    return tokenized.map(({ truncated: _, ...encoding }, index) => ({ example: examples[index]!, encoding }))
  }
  throw new DataError({
    function: caller,
    argument: 'text',
    expected: `at most ${maxLength} tokens long, which is what the model takes`,
    received: `${tooLong.length} longer; the first is '${excerpt(first.text)}'`,
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
