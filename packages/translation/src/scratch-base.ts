import { type BartConfig, readConfig, trainTokenizer } from '@tfx/core'
import type { NewModel, TransferOptions } from '@tfx/transfer'
import type { PairOptions, PairSource } from './pair'
import type { TranslationOptions } from './head'
import { readPairs } from './read-pairs'

/** The sizes of a translator that starts from random weights. */
export interface ScratchOptions extends PairOptions {
  /** Tokens that both languages share. Default 8000. */
  vocabSize?: number
  /** Default 256. */
  hiddenSize?: number
  /** Of the encoder, and of the decoder. Default 3. */
  numLayers?: number
  /** Default: one for each 64 of the hidden size. */
  numHeads?: number
  /** Default 4 · hidden size. */
  intermediateSize?: number
  /** Rate after embeddings, attention and feed-forward, and on attention probabilities. Default 0.1. */
  dropout?: number
  /** The longest text in tokens. Default 512. */
  maxLength?: number
  /** The languages to translate to, where there are several: each gets a token. Default: one direction. */
  languages?: readonly string[]
}

/**
 * A base from nothing: a byte-level BPE tokenizer learned from the texts of both languages together, and a Transformer of
 * any size with norms in front and tied embeddings, whose weights `transfer` starts at random. It is an M2M100 to other
 * programs, so that Python and Transformers.js run what comes of it.
 *
 * @param pairs What it will be trained on.
 * @throws DataError as `transfer`, ArgumentError if there is no room for the vocabulary, CheckpointError if the sizes do
 *   not fit together.
 *
 * @example
 * ```ts
 * const base = await scratchBase('pairs.tsv', { vocabSize: 8000, hiddenSize: 256, numLayers: 3 })
 * const model = await transfer(base, 'pairs.tsv', { ...scratchSettings, epochs: 20 })
 * ```
 */
export async function scratchBase(
  pairs: PairSource,
  options: ScratchOptions = {},
): Promise<NewModel & { readonly config: BartConfig }> {
  const {
    vocabSize = 8000,
    hiddenSize = 256,
    numLayers = 3,
    dropout = 0.1,
    maxLength = 512,
    languages = [],
  } = options
  const { numHeads = Math.max(1, Math.round(hiddenSize / 64)), intermediateSize = 4 * hiddenSize } = options
  const { examples } = await readPairs(pairs, options, 'scratchBase')
  const tokenizer = trainTokenizer(
    examples.flatMap(({ text, target }) => [text, target]),
    { vocabSize, specialTokens: languages.map((language) => `>>${language}<<`), maxLength },
  )
  const config = readConfig(
    {
      model_type: 'm2m_100',
      vocab_size: tokenizer.vocabSize,
      d_model: hiddenSize,
      encoder_layers: numLayers,
      decoder_layers: numLayers,
      encoder_attention_heads: numHeads,
      decoder_attention_heads: numHeads,
      encoder_ffn_dim: intermediateSize,
      decoder_ffn_dim: intermediateSize,
      max_position_embeddings: maxLength,
      activation_function: 'relu',
      scale_embedding: true,
      dropout,
      attention_dropout: dropout,
      activation_dropout: 0,
      encoder_layerdrop: 0,
      decoder_layerdrop: 0,
      // Scaled embeddings then have variance 1, and the layers about that of Glorot & Bengio.
      init_std: hiddenSize ** -0.5,
      bos_token_id: 0,
      pad_token_id: 1,
      eos_token_id: 2,
      decoder_start_token_id: 2,
    },
    { kind: 'encoder-decoder' },
  ) as BartConfig
  return { config, tokenizer }
}

/** Settings of `transfer` that suit random weights: those of Vaswani et al. 2017, for small models and data. */
export const scratchSettings = {
  batchSize: 128,
  learningRate: 1e-3,
  schedule: 'inverse_sqrt',
  warmupRatio: 0.08,
  labelSmoothing: 0.1,
} as const satisfies TransferOptions & TranslationOptions
