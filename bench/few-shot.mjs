// Few-shot learning beside plain fine-tuning on the same examples of SST-2, several seeds of each:
//
//     node bench/few-shot.mjs --data DIR [--minilm DIR] [--sizes 8,16,64] [--seeds 1,2,3,4,5] [--sentences 400]
//         [--methods "plain (20 epochs),few-shot"] [--json]
//
// DIR has train.tsv and test.tsv (label, tab, sentence; no header), --minilm a checkpoint of MiniLM; without it there is
// @tfx/base-encoder alone. Each seed draws its examples from train.tsv; what is said of them is tested on the first
// sentences of a fixed order of test.tsv. Progress goes to stderr.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createRandom, readRows, transfer } from './ours/packages.mjs'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    minilm: { type: 'string' },
    sizes: { type: 'string', default: '8,16,64' },
    seeds: { type: 'string', default: '1,2,3,4,5' },
    sentences: { type: 'string', default: '400' },
    methods: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})
const numbers = (list) => list.split(',').map(Number)

const common = { progress: false, maxLength: 128, validation: false }
/** Plain fine-tuning with the rate that suits the base best, as often through the examples as README advises. */
const plain = (learningRate) => ({ ...common, epochs: 20, learningRate, warmupRatio: 0.1 })
const methods = (learningRate) => ({
  'plain (defaults)': common,
  'plain (20 epochs)': plain(learningRate),
  'few-shot (examples alone)': { ...common, fewShot: { templates: [] } },
  'few-shot': { ...common, fewShot: true },
})
const bases = {
  'base-encoder': {
    base: fileURLToPath(new URL('../packages/base-encoder', import.meta.url)),
    learningRate: 2e-4,
  },
  ...(values.minilm && { 'MiniLM-L6': { base: values.minilm, learningRate: 5e-5 } }),
}
const chosen = ([name]) => values.methods === '' || values.methods.split(',').includes(name)

async function rowsOf(name) {
  const rows = []
  for await (const { label, text } of readRows(join(values.data, `${name}.tsv`), {
    columns: ['label', 'text'],
  }))
    rows.push({ text, label: label === '1' ? 'positive' : 'negative' })
  return rows
}
const [train, test] = [await rowsOf('train'), await rowsOf('test')]
const heldOut = createRandom(0).shuffle(test).slice(0, Number(values.sentences))

/** So many rows of each label. */
function draw(size, seed) {
  const shuffled = createRandom(seed).shuffle(train)
  return ['negative', 'positive'].flatMap((wanted) =>
    shuffled.filter(({ label }) => label === wanted).slice(0, size),
  )
}

async function accuracyOf(base, options, { size, seed }) {
  const model = await transfer(base, draw(size, seed), { ...options, seed })
  const { accuracy } = await model.evaluate(heldOut)
  await model.dispose()
  return accuracy
}

const results = []
for (const [name, { base, learningRate }] of Object.entries(bases)) {
  for (const size of numbers(values.sizes)) {
    for (const [method, options] of Object.entries(methods(learningRate)).filter(chosen)) {
      const started = performance.now()
      const accuracies = []
      for (const seed of numbers(values.seeds))
        accuracies.push(await accuracyOf(base, options, { size, seed }))
      const mean = accuracies.reduce((sum, each) => sum + each, 0) / accuracies.length
      const squares = accuracies.reduce((sum, each) => sum + (each - mean) ** 2, 0)
      const deviation = Math.sqrt(squares / Math.max(1, accuracies.length - 1))
      const seconds = (performance.now() - started) / 1000 / accuracies.length
      results.push({ base: name, size, method, mean, deviation, accuracies, seconds })
      console.error(JSON.stringify(results.at(-1)))
    }
  }
}

if (values.json) console.log(JSON.stringify({ sentences: heldOut.length, results }))
else {
  console.log('| base | examples per class | method | accuracy |\n| --- | --- | --- | --- |')
  for (const { base, size, method, mean, deviation } of results)
    console.log(
      `| ${base} | ${size} | ${method} | ${(100 * mean).toFixed(1)} ± ${(100 * deviation).toFixed(1)} |`,
    )
}
