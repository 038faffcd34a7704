import { embedding, type ParameterStore } from '@tfx/backend'
import { ArgumentError, type Random } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { parameterOf, type Parameters, type ParameterSpecs } from '../blocks/parameters'
import { type ChangeWords, isWordTable, wordScale, type WordScaleConfig } from '../blocks/word-embedding'
import type { PromptAdapter } from './adapter'
import type { FurtherParameters } from './further-parameters'

/** The parameter of a prompt, by PEFT's name: float32 [virtual tokens, size of a word's embedding]. */
export const promptName = 'prompt_embeddings'

/** The inputs of an encoder, of a decoder without a cache, or of the encoder of an encoder-decoder. */
export interface PromptedInputs {
  readonly changeWords?: ChangeWords | undefined
}

/**
 * The inputs of a model with the learned prompt among its parameters in the place of their first tokens; without one, the
 * inputs as they are. Texts are to come with as many tokens in front as the prompt has, of any id but that of padding, and
 * attended to: then all is as PEFT has it, and a classifier that reads the first token reads the prompt's.
 *
 * @example
 * ```ts
 * const hidden = family.backbone(parameters, withPrompt(parameters, inputs), { config, training })
 * ```
 */
export function withPrompt<Inputs extends object>(
  parameters: Parameters,
  inputs: Inputs & PromptedInputs,
): Inputs & PromptedInputs {
  const prompt = parameters[promptName]
  if (prompt === undefined) return inputs
  const { changeWords = (words) => words } = inputs
  const [count, size] = prompt.shape as [number, number]
  return {
    ...inputs,
    changeWords(all) {
      const [batch, sequence] = all.shape as [number, number, number]
      const words = tf.slice(changeWords(all), [0, count, 0], [batch, sequence - count, size])
      return tf.concat([tf.tile(tf.expandDims(prompt, 0), [batch, 1, 1]), words], 1)
    },
  }
}

/** How many embeddings of a learned prompt a model reads in front of every text: one in its store, or of an adapter beside it. */
export const virtualTokensOf = (
  { shapes }: Pick<ParameterStore, 'shapes'>,
  further: FurtherParameters = {},
): number => (further[promptName]?.shape ?? shapes[promptName])?.[0] ?? 0

/**
 * What `compile` of an engine must know of a step whose parameters may hold a prompt: texts, whose axis is `sequence` or
 * `source`, are longer than it.
 */
export function longerThanPrompt(shapes: Readonly<Record<string, readonly number[]>>): {
  longerThan: Record<string, number>
} {
  const count = shapes[promptName]?.[0] ?? 0
  return { longerThan: { sequence: count, source: count } }
}

/**
 * As {@link withPrompt}, where texts of different lengths stand side by side with their padding in front of the prompt.
 *
 * @param places int32 [batch, sequence]: which embedding of the prompt takes the place of a token; −1 for none.
 */
export function withPromptAt<Inputs extends object>(
  parameters: Parameters,
  inputs: Inputs & PromptedInputs,
  places: tf.Tensor,
): Inputs & PromptedInputs {
  const { changeWords = (words) => words } = inputs
  const rows = embedding(parameterOf(parameters, promptName), tf.maximum(places, tf.scalar(0, 'int32')))
  const isPrompt = tf.expandDims(tf.cast(tf.greaterEqual(places, tf.scalar(0, 'int32')), 'float32'), -1)
  return {
    ...inputs,
    changeWords: (all) => tf.add(tf.mul(changeWords(all), tf.sub(1, isPrompt)), tf.mul(rows, isPrompt)),
  }
}

/** The parameter that a prompt adds to a model. */
export function promptSpecs({ virtualTokens }: PromptAdapter, specs: ParameterSpecs): ParameterSpecs {
  const [, size] = specs[wordTable(specs)]!.shape as [number, number]
  return { [promptName]: { shape: [virtualTokens, size], initialize: 'normal' } }
}

/** What a prompt starts as, as in PEFT: standard normal numbers, or the rows of a text's tokens, scaled as the model's words are. */
export async function promptValues(
  { virtualTokens, text }: PromptAdapter,
  { config, specs }: { readonly config: WordScaleConfig; readonly specs: ParameterSpecs },
  {
    random,
    read,
    encode,
  }: {
    random: Random
    read: (name: string) => Promise<Float32Array>
    encode: ((text: string) => readonly number[]) | undefined
  },
): Promise<Float32Array> {
  const table = wordTable(specs)
  const [, size] = specs[table]!.shape as [number, number]
  if (text === undefined) return Float32Array.from({ length: virtualTokens * size }, () => random.normal())
  const ids = encode?.(text) ?? []
  if (ids.length === 0) throw noTokens(text)
  const rows = await read(table)
  const scale = wordScale(config)
  const values = new Float32Array(virtualTokens * size)
  for (let token = 0; token < virtualTokens; token++) {
    const id = ids[token % ids.length]!
    values.set(rows.subarray(id * size, (id + 1) * size), token * size)
  }
  return scale === 1 ? values : values.map((value) => value * scale)
}

const wordTable = (specs: ParameterSpecs): string => Object.keys(specs).find(isWordTable)!

const noTokens = (text: string) =>
  new ArgumentError({
    function: 'promptTuning',
    argument: 'text',
    expected: 'a text with tokens, and a tokenizer to find them',
    received: `'${text}'`,
    remedy: 'Leave it out to start at random.',
  })
