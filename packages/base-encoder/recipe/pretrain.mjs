/**
 * Pretrains the base encoder: `node recipe/pretrain.mjs --teacher DIRECTORY_OR_HUB_ID [--minutes 35] [--output DIRECTORY]`.
 * The teacher is sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0). Everything runs in Node: the
 * teacher's embeddings, the token embeddings distilled from them, and the joint training.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadTokenizer, readConfig } from '@tfx/core'
import { progressReporter } from '@tfx/train'
import { createEmbedder, pretrain } from '@tfx/transfer'
import { loadCorpus } from './corpus.mjs'
import { reduceEmbeddings } from './word-embeddings.mjs'

const { values } = parseArgs({
  options: {
    teacher: { type: 'string', default: 'sentence-transformers/all-MiniLM-L6-v2' },
    output: { type: 'string', default: 'output' },
    texts: { type: 'string', default: '160000' },
    steps: { type: 'string', default: '12000' },
  },
})
const SEED = 20
const BATCH_SIZE = 64
const LONGEST = 40
const json = {
  model_type: 'bert',
  vocab_size: 8192,
  hidden_size: 256,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  intermediate_size: 1024,
  hidden_act: 'gelu',
  max_position_embeddings: 128,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  initializer_range: 0.02,
  pad_token_id: 0,
}
const dropout = (rate) => ({ hidden_dropout_prob: rate, attention_probs_dropout_prob: rate })
const say = (text) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)

const tokenizer = await loadTokenizer(fileURLToPath(new URL('..', import.meta.url)), {
  maxLength: json.max_position_embeddings,
})
const { train, heldOut } = loadCorpus()
const fits = (text) => tokenizer.encode(text).inputIds.length <= LONGEST
const texts = train.filter(fits).slice(0, Number(values.texts))
say(`${texts.length} texts of ${train.length}`)

const teacher = await createEmbedder(values.teacher)
const tokens = [...tokenizer.vocabulary()].sort(([, a], [, b]) => a - b)
const strings = tokens.map(([token]) => token.replace(/^##/, ''))
const tokenEmbeddings = reduceEmbeddings(await teacher.embed(strings, { batchSize: 256 }), {
  count: strings.length,
  from: teacher.size,
  to: json.hidden_size,
  seed: SEED,
})
say('token embeddings distilled')
let said = 0
const embeddings = await teacher.embed(texts, {
  batchSize: 64,
  onProgress: (done) => {
    if (done - said < 16000) return
    said = done
    say(`teacher: ${done} texts`)
  },
})
const { size } = teacher
await teacher.dispose()

const report = progressReporter({ every: 200 })
const model = await pretrain({
  // A few passes over the text do not overfit: no dropout here; the saved config has it for fine-tuning.
  config: readConfig({ ...json, ...dropout(0) }),
  tokenizer,
  texts,
  heldOut: heldOut.filter(fits),
  maxLength: LONGEST,
  steps: Number(values.steps),
  batchSize: BATCH_SIZE,
  learningRate: 1e-3,
  distillation: { embeddings, size, maskedWeight: 0.2 },
  initialValues: (name) => (name === 'bert.embeddings.word_embeddings.weight' ? initialTokens() : undefined),
  evaluateEvery: 2000,
  seed: SEED,
  onEvent: report,
})
say(`held-out perplexity ${model.perplexity.toFixed(2)}`)
await model.save(values.output, {
  dtype: 'float16',
  overwrite: true,
  config: readConfig({ ...json, ...dropout(0.1) }),
})
const { history, evaluations, seconds, steps } = model.result
const losses = history
  .filter(({ step }) => step % 100 === 0)
  .map(({ step, loss }) => [step, Number(loss.toFixed(4))])
await writeFile(
  `${values.output}/training.json`,
  JSON.stringify({ steps, seconds, texts: texts.length, evaluations, losses }),
)

/** Special tokens keep random rows; those of the teacher's strings '[CLS]' and the like mean nothing. */
function initialTokens() {
  const special = new Set(tokenizer.specialTokenIds)
  const initial = Float32Array.from(tokenEmbeddings)
  for (const id of special) initial.fill(0, id * json.hidden_size, (id + 1) * json.hidden_size)
  return initial
}
