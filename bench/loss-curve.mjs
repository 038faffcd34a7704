// Compares the losses of the first steps on SST-2 without dropout with PyTorch's, from reference/loss_curve.py.
//
//     node bench/loss-curve.mjs --sst2 DIR --reference DIR [--json]
//
// The rule of the batches stands there: lines 16·s … 16·s+15 of train.tsv, padded to the longest.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { applyGradients, batchOf, configOf, createTraining, withoutDropout } from './ours/training-step.mjs'
import { linearSchedule, loadTokenizer } from './ours/packages.mjs'

const batchSize = 16
const maxLength = 128
const { values: options } = parseArgs({
  options: { sst2: { type: 'string' }, reference: { type: 'string' }, json: { type: 'boolean' } },
})
const reference = JSON.parse(readFileSync(join(options.reference, 'losses.json'), 'utf8'))
const tokenizer = await loadTokenizer(options.reference)
const examples = readFileSync(join(options.sst2, 'train.tsv'), 'utf8')
  .split('\n')
  .slice(0, reference.losses.length * batchSize)
  .map((line) => line.split('\t'))

const training = await createTraining(withoutDropout(configOf(options.reference)), {
  weights: options.reference,
})
const schedule = linearSchedule({ totalSteps: 1299 })
const losses = []
for (let step = 0; step < reference.losses.length; step++) {
  const lines = examples.slice(step * batchSize, (step + 1) * batchSize)
  const rows = lines.map(([, sentence]) => tokenizer.encode(sentence, undefined, { maxLength }).inputIds)
  const batch = batchOf(
    rows,
    lines.map(([label]) => Number(label)),
  )
  losses.push((await training.program.run(batch)).loss.data[0])
  await applyGradients(training, { step: step + 1, learningRate: 5e-5 * schedule(step) })
}
const differences = losses.map((loss, step) => Math.abs(loss - reference.losses[step]))
const worstDifference = Math.max(...differences)
const result = {
  steps: losses.length,
  worstDifference,
  atStep: differences.indexOf(worstDifference),
  passed: worstDifference <= 1e-3,
}
console.log(options.json ? JSON.stringify({ ...result, losses }) : result)
process.exit(result.passed ? 0 : 1)
