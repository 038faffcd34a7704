// Fine-tunes on SST-2 as reference/sst2_trainer.py does, save that texts of like length share a batch, and prints
// the same JSON: accuracy, training seconds of each epoch, peak memory.
//
//     node bench/ours/epoch.mjs --sst2 DIR --minilm DIR [--epochs 1] [--seed 1]
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readRows, setEngine, transfer } from './packages.mjs'
import { peakMemoryMegabytes } from './training-step.mjs'

const { values: options } = parseArgs({
  options: {
    sst2: { type: 'string' },
    minilm: { type: 'string' },
    epochs: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
  },
})
const rows = (name) => readRows(join(options.sst2, `${name}.tsv`), { columns: ['label', 'sentence'] })

await setEngine('onnx')
const epochSeconds = []
const model = await transfer(
  options.minilm,
  { train: rows('train'), validation: rows('dev') },
  {
    epochs: Number(options.epochs),
    batchSize: 16,
    maxLength: 128,
    seed: Number(options.seed),
    keepBest: false,
    progress: false,
    // Like Trainer's, this time leaves the evaluation out.
    onEvent: (event) => event.type === 'epoch' && epochSeconds.push(event.seconds),
  },
)
const devAccuracy = model.training.evaluations.map(({ metrics }) => metrics.accuracy)
console.log(
  JSON.stringify({ devAccuracy, epochSeconds, phases: model.training.phases, peakMB: peakMemoryMegabytes() }),
)
process.exit(0)
