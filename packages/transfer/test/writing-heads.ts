import { type DecoderConfig, loadTokenizer, readConfig, type SequenceToSequenceConfig } from '@tfx/core'
import { split } from '@tfx/data'
import { fixturePath } from '@tfx/testing'
import { encodePairs, type LanguageModel, type WritingHead, type WritingOptions } from '../src/index'

export const tokenizer = await loadTokenizer(fixturePath('core/bert-classification'), { maxLength: 32 })
export const idOf = (token: string) => tokenizer.vocabulary().get(token)!
export const special = { pad_token_id: idOf('[PAD]'), eos_token_id: idOf('[SEP]') }

const sizes = { vocab_size: tokenizer.vocabSize, ...special }
/** A tiny encoder-decoder, and a tiny decoder. */
export const t5 = readConfig({
  ...{ ...sizes, model_type: 't5', d_model: 32, d_kv: 8, d_ff: 64, num_layers: 2, num_heads: 4 },
  ...{ dropout_rate: 0, decoder_start_token_id: idOf('[PAD]') },
}) as SequenceToSequenceConfig
export const llama = readConfig({
  ...{ ...sizes, model_type: 'llama', hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, max_position_embeddings: 32 },
}) as DecoderConfig

const words = ['good', 'bad', 'movie', 'film', 'play']
/** Texts of two words; the target is the first. */
export const wordPairs: readonly Pair[] = words.flatMap((first) =>
  words.map((second) => ({ text: `${first} ${second}`, target: first })),
)

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
