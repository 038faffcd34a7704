import { ArgumentError } from '@tfx/common'
import type { DecoderConfig } from '../config/decoder-config'
import { readConfig } from '../config/read-config'
import type { BartConfig } from '../config/sequence-to-sequence-config'

/** The sizes of a Transformer to be trained from random weights. */
export interface TransformerSizes {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly numHeads: number
  /** Of each half of an encoder-decoder. */
  readonly numLayers: number
  /** Default 4 · hidden size. */
  readonly intermediateSize?: number
  /** Rate after embeddings, attention and feed-forward, and on attention probabilities. Default 0.1. */
  readonly dropout?: number
  /** Default `sinusoidal`. */
  readonly positions?: 'sinusoidal' | 'learned'
  /** LayerNorm in front of each part, or behind each residual as in the paper. Default `before`. */
  readonly normOrder?: 'before' | 'after'
  /** The longest sequence in tokens. Default 1024. */
  readonly maxPositionEmbeddings?: number
  /** Default 0. */
  readonly padTokenId?: number
  /** What decoders start with. Default 1. */
  readonly startTokenId?: number
  /** Default 2. */
  readonly endTokenId?: number
}

const defaults = {
  dropout: 0.1,
  positions: 'sinusoidal',
  normOrder: 'before',
  maxPositionEmbeddings: 1024,
  padTokenId: 0,
  startTokenId: 1,
  endTokenId: 2,
} as const

/**
 * The configuration of a plain encoder-decoder ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)) of some sizes,
 * with one vocabulary. Use it with `initializeParameters`.
 *
 * @throws ArgumentError or CheckpointError if the sizes do not fit together.
 *
 * @example
 * ```ts
 * const config = transformerConfig({ vocabSize: 8000, hiddenSize: 256, numHeads: 4, numLayers: 3 })
 * ```
 */
export function transformerConfig(sizes: TransformerSizes): BartConfig {
  const given = resolve('transformerConfig', sizes)
  const json = {
    model_type: 'tfx_transformer',
    ...commonFields(given),
    d_model: given.hiddenSize,
    encoder_layers: given.numLayers,
    decoder_layers: given.numLayers,
    encoder_attention_heads: given.numHeads,
    decoder_attention_heads: given.numHeads,
    encoder_ffn_dim: given.intermediateSize,
    decoder_ffn_dim: given.intermediateSize,
    max_position_embeddings: given.maxPositionEmbeddings,
    dropout: given.dropout,
    attention_dropout: given.dropout,
    position_embedding_type: given.positions,
    norm_order: given.normOrder,
    decoder_start_token_id: given.startTokenId,
  }
  return readConfig(json, { kind: 'encoder-decoder' }) as BartConfig
}

/**
 * The configuration of a plain decoder of some sizes, for language modelling from random weights. With learned positions
 * and norms in front it is a GPT-2, which Python and Transformers.js load too.
 *
 * @throws ArgumentError or CheckpointError if the sizes do not fit together.
 *
 * @example
 * ```ts
 * const config = decoderTransformerConfig({ vocabSize: 65, hiddenSize: 128, numHeads: 4, numLayers: 4, positions: 'learned' })
 * ```
 */
export function decoderTransformerConfig(sizes: TransformerSizes): DecoderConfig {
  const given = resolve('decoderTransformerConfig', sizes)
  const isGpt2 = given.positions === 'learned' && given.normOrder === 'before'
  const json = {
    model_type: isGpt2 ? 'gpt2' : 'tfx_decoder',
    ...commonFields(given),
    n_embd: given.hiddenSize,
    n_layer: given.numLayers,
    n_head: given.numHeads,
    n_inner: given.intermediateSize,
    n_positions: given.maxPositionEmbeddings,
    resid_pdrop: given.dropout,
    embd_pdrop: given.dropout,
    attn_pdrop: given.dropout,
    ...(!isGpt2 && { position_embedding_type: given.positions, norm_order: given.normOrder }),
  }
  return readConfig(json, { kind: 'decoder' })
}

function resolve(caller: string, sizes: TransformerSizes) {
  const given = { ...defaults, intermediateSize: 4 * sizes.hiddenSize, ...sizes }
  if (given.hiddenSize % (2 * given.numHeads) === 0) return given
  throw new ArgumentError({
    function: caller,
    argument: 'hiddenSize',
    expected: `a multiple of twice the ${given.numHeads} heads`,
    received: String(given.hiddenSize),
    remedy: 'Choose sizes that divide: 256 with 4 heads, say.',
  })
}

const commonFields = (given: ReturnType<typeof resolve>) => ({
  vocab_size: given.vocabSize,
  pad_token_id: given.padTokenId,
  bos_token_id: given.startTokenId,
  eos_token_id: given.endTokenId,
})
