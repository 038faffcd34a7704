import { createRandom } from '@tfx/common'
import { loadTokenizer, readConfig } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import type { TransferOptions } from '../src/index'

const words = {
  red: 'rot',
  green: 'grün',
  blue: 'blau',
  big: 'groß',
  small: 'klein',
  dog: 'Hund',
  cat: 'Katze',
  house: 'Haus',
  tree: 'Baum',
  car: 'Auto',
}

/** Sentences of a toy language that is translated word by word. */
export function toyPairs(count: number, seed = 1): { en: string; de: string }[] {
  const random = createRandom(seed)
  const entries = Object.entries(words)
  return Array.from({ length: count }, () => {
    const chosen = Array.from(
      { length: 2 + random.integer(3) },
      () => entries[random.integer(entries.length)]!,
    )
    const end = random.integer(4) === 0 ? '!' : '.'
    return {
      en: chosen.map(([en]) => en).join(' ') + end,
      de: chosen.map(([, de]) => de).join(' ') + end,
    }
  })
}

/** Options under which the toy language is learned in seconds. */
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

/** A tiny base of random weights: the tokenizer of a fixture, and its model's architecture. */
export async function tinyBase(family: string, modelType: string) {
  const tokenizer = await loadTokenizer(fixturePath(`core/sentence-piece/${family}`), { maxLength: 64 })
  const ids = tokenizer.vocabulary()
  const end = ids.get('</s>')!
  const isOf = (...types: string[]) => types.includes(modelType)
  const config = readConfig(
    {
      model_type: modelType,
      vocab_size: tokenizer.vocabSize,
      d_model: 16,
      ...{
        encoder_layers: 1,
        decoder_layers: 1,
        num_layers: 1,
        num_decoder_layers: 1,
        d_kv: 8,
        d_ff: 32,
        num_heads: 2,
      },
      ...{ encoder_attention_heads: 2, decoder_attention_heads: 2, encoder_ffn_dim: 32, decoder_ffn_dim: 32 },
      ...{ max_position_embeddings: 64, scale_embedding: true, init_std: 0.5, initializer_factor: 3 },
      ...{
        pad_token_id: tokenizer.padTokenId,
        bos_token_id: isOf('marian', 't5') ? null : 0,
        eos_token_id: end,
      },
      ...(!isOf('mbart') && { decoder_start_token_id: isOf('m2m_100') ? end : tokenizer.padTokenId }),
      forced_eos_token_id: null,
    },
    { kind: 'encoder-decoder' },
  )
  return { config, tokenizer }
}
