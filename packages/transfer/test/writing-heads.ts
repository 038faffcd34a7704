import { type DecoderConfig, loadTokenizer, type SequenceToSequenceConfig } from '@tfx/core'
import { split } from '@tfx/data'
import { fixturePath } from '@tfx/testing'
import { encodePairs, type LanguageModel, type WritingHead, type WritingOptions } from '../src/index'

export const tokenizer = await loadTokenizer(fixturePath('core/bert-classification'), { maxLength: 32 })
export const idOf = (token: string) => tokenizer.vocabulary().get(token)!
export const special = { pad_token_id: idOf('[PAD]'), eos_token_id: idOf('[SEP]') }

export interface Pair {
  text: string
  target: string
}
export type Writer = LanguageModel<Pair, WritingOptions, never> & object

const read = (dataset: unknown) => Promise.resolve({ examples: [...(dataset as Pair[])], notes: [] })
const basics = { options: [], read, split, configure: <C>(config: C) => config, hasTexts: true } as const

/** Learns to answer a text with another. */
export const pairHead: WritingHead<Pair, WritingOptions, SequenceToSequenceConfig, Writer> = {
  ...basics,
  name: 'pairs',
  kind: 'encoder-decoder',
  encode: (examples, options) => encodePairs(examples, options),
  generation: (given) => ({ ...given, maxNewTokens: 8 }),
  model: (languageModel) => languageModel as never,
}

/** Learns to go on with a text; what is given counts for nothing. */
export const goOnHead: WritingHead<Pair, WritingOptions, DecoderConfig, Writer> = {
  ...basics,
  name: 'go on',
  kind: 'decoder',
  encode: (examples, { maxLength }) =>
    Promise.resolve(
      examples.map((example) => {
        const prompt = tokenizer.encode(example.text).inputIds.slice(0, -1)
        const answer = tokenizer.encode(example.target).inputIds.slice(1)
        const inputIds = [...prompt, ...answer].slice(0, maxLength)
        const labels = [...prompt.map(() => -100), ...answer].slice(0, maxLength)
        return { example, encoding: { inputIds }, labels }
      }),
    ),
  generation: (given) => ({ ...given, maxNewTokens: 8 }),
  model: (languageModel) => languageModel as never,
}
