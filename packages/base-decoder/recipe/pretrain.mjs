/**
 * Pretrains the base: `node recipe/pretrain.mjs [--steps NUMBER] [--output DIRECTORY]`. First get the text, with
 * `node fetch-sources.mjs` in `packages/base-recipes`.
 */
import { loadCorpus } from '@tfx/base-recipes/corpus'
import { runRecipe } from '@tfx/base-recipes/run'
import { adamW } from '@tfx/train'

const { english } = await loadCorpus()

await runRecipe({
  package: new URL('..', import.meta.url),
  config: {
    model_type: 'llama',
    vocab_size: 8192,
    hidden_size: 256,
    intermediate_size: 640,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 512,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
    initializer_range: 0.02,
    tie_word_embeddings: true,
    attention_dropout: 0,
    bos_token_id: null,
    // <|endoftext|> ends a text, <|im_end|> a turn.
    eos_token_id: [1, 3],
    pad_token_id: 0,
  },
  texts: english.train.slice(0, 100_000),
  heldOut: english.heldOut.slice(0, 300),
  maxLength: 256,
  steps: 1500,
  batchSize: 4,
  learningRate: 2e-3,
  warmupRatio: 0.05,
  optimizer: adamW({ weightDecay: 0.1, betas: [0.9, 0.95] }),
  evaluateEvery: 500,
  seed: 20,
})
