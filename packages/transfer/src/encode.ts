import type { InputSpec } from '@tfx/backend'
import { DataError, type HostTensor } from '@tfx/common'
import { type EncoderConfig, modelFamily, type Tokenizer } from '@tfx/core'
import { collate, type Encoding } from '@tfx/data'
import type { TextInput } from './head'

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
  { tokenizer, maxLength, truncation, caller }: EncodeOptions,
): EncodedExample<Example>[] {
  const tooLong: number[] = []
  const encoded = examples.map((example, index) => {
    const { truncated, ...encoding } = tokenizer.encode(example.text, example.textPair, { maxLength })
    if (truncated) tooLong.push(index)
    return { example, encoding }
  })
  if (tooLong.length === 0 || truncation) return encoded
  const [first] = tooLong
  throw new DataError({
    function: caller,
    argument: 'text',
    expected: `at most ${maxLength} tokens long, which is what the model takes`,
    received: `${tooLong.length} longer; the first is '${excerpt(examples[first!]!.text)}'`,
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
