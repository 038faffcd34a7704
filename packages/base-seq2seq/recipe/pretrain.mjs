/**
 * Pretrains the base: `node recipe/pretrain.mjs [--steps NUMBER] [--output DIRECTORY]`. First get the text, with
 * `node fetch-sources.mjs` in `packages/base-recipes`.
 */
import { loadCorpus } from '@tfx/base-recipes/corpus'
import { openings } from '@tfx/base-recipes/openings'
import { runRecipe } from '@tfx/base-recipes/run'
import { createRandom } from '@tfx/common'
import { adafactor } from '@tfx/train'

const SEED = 20
const config = {
  model_type: 't5',
  vocab_size: 8192,
  d_model: 256,
  d_kv: 64,
  num_heads: 4,
  d_ff: 512,
  num_layers: 3,
  num_decoder_layers: 3,
  feed_forward_proj: 'gated-gelu',
  relative_attention_num_buckets: 32,
  relative_attention_max_distance: 128,
  layer_norm_epsilon: 1e-6,
  dropout_rate: 0.1,
  tie_word_embeddings: true,
  is_encoder_decoder: true,
  pad_token_id: 0,
  eos_token_id: 1,
  decoder_start_token_id: 0,
  task_specific_params: {
    translation_en_to_de: { prefix: 'translate English to German: ' },
    summarization: { prefix: 'summarize: ' },
  },
}

const { english, german, translations, summaries } = await loadCorpus()
/** So much English is as much as the run gets through. */
const ENGLISH_TEXTS = 100_000
/** German is rare: its texts count so many times. */
const GERMAN_WEIGHT = 2
const repeated = (items, times) => Array.from({ length: times }, () => items).flat()

await runRecipe({
  package: new URL('..', import.meta.url),
  config,
  withoutDropout: { dropout_rate: 0 },
  texts: [
    ...english.train.slice(0, ENGLISH_TEXTS),
    ...repeated([...german.train, ...translations.train.map((pair) => pair.german)], GERMAN_WEIGHT),
  ],
  heldOut: [...english.heldOut.slice(0, 300), ...german.heldOut],
  pairs: [
    ...translations.train.map((pair) => ({
      input: `translate English to German: ${pair.english}`,
      target: pair.german,
    })),
    ...[...summaries.train, ...openings(english.train.slice(ENGLISH_TEXTS), SEED)].map(
      ({ text, summary }) => ({
        input: `summarize: ${text}`,
        target: summary,
      }),
    ),
  ],
  maxLength: 128,
  steps: 1800,
  batchSize: 16,
  learningRate: 0.02,
  warmupRatio: 0.05,
  optimizer: adafactor({ scaleParameter: true }),
  initialValues,
  evaluateEvery: 450,
  seed: SEED,
})

/** T5's own deviations, which make up for attention without a scale: those of `T5PreTrainedModel._init_weights`. */
function initialValues(name, shape) {
  if (name.endsWith('layer_norm.weight')) return undefined
  const { d_model: hidden, d_kv: head, num_heads: heads, d_ff: inner } = config
  const deviations = {
    shared: 1,
    q: (hidden * head) ** -0.5,
    o: (heads * head) ** -0.5,
    wo: inner ** -0.5,
  }
  const deviation = deviations[name.split('.').at(-2)] ?? hidden ** -0.5
  const random = createRandom(
    SEED + [...name].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 1e6, 0),
  )
  return Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal() * deviation)
}
