// Fine-tunes on SST-2 with the settings of bench/reference/sst2_trainer.py, and prints the dev accuracy of
// every epoch and seed:
//
//     node bench/sst2-accuracy.mjs --sst2 DIR --minilm DIR [--seeds 1,2,3] [--batching length]
//
// DIR has train.tsv and dev.tsv (label, tab, sentence; no header). The figure to compare is the mean over the seeds of
// the accuracy after the last epoch.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readRows, transfer } from './ours/packages.mjs'

const { values } = parseArgs({
  options: {
    sst2: { type: 'string' },
    minilm: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    batching: { type: 'string', default: 'length' },
  },
})
const rows = (name) => readRows(join(values.sst2, `${name}.tsv`), { columns: ['label', 'sentence'] })

const runs = []
for (const seed of values.seeds.split(',').map(Number)) {
  const model = await transfer(
    values.minilm,
    { train: rows('train'), validation: rows('dev') },
    { epochs: 3, batchSize: 16, maxLength: 128, seed, batching: values.batching, keepBest: false },
  )
  const devAccuracy = model.training.evaluations.map(({ metrics }) => metrics.accuracy)
  runs.push({ seed, devAccuracy, seconds: model.training.seconds, phases: model.training.phases })
  console.error(JSON.stringify(runs.at(-1)))
  await model.dispose()
}
const last = runs.map(({ devAccuracy }) => devAccuracy.at(-1))
console.log(
  JSON.stringify({
    batching: values.batching,
    runs,
    meanAccuracy: last.reduce((sum, x) => sum + x, 0) / last.length,
  }),
)
