import { createRandom } from '@tfx/common'
import { loadTokenizer, readConfig } from '@tfx/core'
import { fixturePath, refusal } from '@tfx/testing'
import type { TransferOptions } from '../src/index'

const fillers = ['the', 'movie', 'was', 'is', 'and', 'of', 'this', 'it', 'a']
const telling = ['good', 'bad', 'play', 'hate', 'watch']

/** Documents of fillers with two telling words somewhere; their summary is these two. */
export function toyRows(count: number, seed = 1): { document: string; summary: string }[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const words = Array.from(
      { length: 4 + random.integer(4) },
      () => fillers[random.integer(fillers.length)]!,
    )
    const chosen = [telling[random.integer(telling.length)]!, telling[random.integer(telling.length)]!]
    const places = [random.integer(words.length), random.integer(words.length)].sort((a, b) => b - a)
    places.forEach((place, index) => words.splice(place, 0, chosen[1 - index]!))
    return { document: `${words.join(' ')} .`, summary: chosen.join(' ') }
  })
}

/** Options under which the tiny base learns the toy task in seconds. */
export const quick = {
  epochs: 30,
  batchSize: 32,
  learningRate: 5e-3,
  warmupRatio: 0.05,
  dropout: 0,
  validation: false,
  seed: 1,
  progress: false,
} satisfies TransferOptions

/** A tiny base of random weights, of the tokenizer of a fixture. */
export async function tinyBase(modelType: 't5' | 'bart' | 'pegasus', maxLength = 64) {
  const tokenizer = await loadTokenizer(fixturePath('core/bert-classification'), { maxLength })
  const ids = tokenizer.vocabulary()
  const [pad, end] = [ids.get('[PAD]'), ids.get('[SEP]')]
  const sizes = { num_layers: 1, num_decoder_layers: 1, num_heads: 2, d_kv: 16, d_ff: 64 }
  const bart = {
    encoder_layers: 1,
    decoder_layers: 1,
    encoder_attention_heads: 2,
    decoder_attention_heads: 2,
    encoder_ffn_dim: 64,
    decoder_ffn_dim: 64,
    max_position_embeddings: maxLength,
    forced_eos_token_id: null,
    init_std: 0.1,
  }
  const config = readConfig(
    {
      model_type: modelType,
      vocab_size: tokenizer.vocabSize,
      d_model: 32,
      ...(modelType === 't5' ? sizes : bart),
      pad_token_id: pad,
      bos_token_id: ids.get('[CLS]'),
      eos_token_id: end,
      decoder_start_token_id: pad,
    },
    { kind: 'encoder-decoder' },
  )
  return { config, tokenizer }
}

/** The message of a call that must fail in a way that tfx means it to, with the name of its error. */
export async function refusalText(promise: Promise<unknown>): Promise<string> {
  const { name, message } = await refusal(promise)
  return `${name}: ${message}`
}
