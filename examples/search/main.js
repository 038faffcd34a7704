// Searches for the settings of a fine-tuning: 16 trials, the bad ones cut short, each in a process of its own.
// node main.js [--trials 16] [--directory ./search] [--concurrency 1]
import { parseArgs } from 'node:util'
import { transfer } from '@tfx/sentiment'
import { choice, logUniform, medianPruner, search, tpeSampler } from '@tfx/train'
import { settingsOf } from './objective.js'
import { readReviews } from './reviews.js'

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '16' },
    // Make the same call again to go on from here, or with more trials to go further.
    directory: { type: 'string' },
    concurrency: { type: 'string', default: '1' },
  },
})

const { best, trials } = await search({
  space: {
    learningRate: logUniform(1e-5, 3e-3),
    optimizer: choice(['adamW', 'lion']),
    batchSize: choice([8, 16, 32]),
    schedule: choice(['linear', 'cosine', 'constant']),
  },
  objective: new URL('./objective.js', import.meta.url),
  direction: 'maximize',
  sampler: tpeSampler({ startupTrials: 6 }),
  pruner: medianPruner({ startupTrials: 4, warmupSteps: 1 }),
  trials: Number(values.trials),
  concurrency: Number(values.concurrency),
  ...(values.directory && { directory: values.directory }),
  onEvent(event) {
    if (event.type === 'finish') console.log(describe(event.trial))
  },
})

const pruned = trials.filter(({ state }) => state === 'pruned').length
console.log(`\n${trials.length} trials, ${pruned} of them pruned. The best:\n${describe(best)}`)

const { train, validation, test } = readReviews()
const model = await transfer('@tfx/base-encoder', { train, validation }, settingsOf(best.parameters))
const usual = await transfer(
  '@tfx/base-encoder',
  { train, validation },
  { epochs: 3, truncation: true, progress: false },
)
const percent = ({ accuracy }) => `${(100 * accuracy).toFixed(1)} %`
console.log(`On ${test.length} sentences that nothing was chosen by: ${percent(await model.evaluate(test))},`)
console.log(`with the usual settings ${percent(await usual.evaluate(test))}.`)
await model.dispose()
await usual.dispose()

function describe({ number, state, value, parameters, reports, error }) {
  const outcome =
    value === undefined
      ? `${state} after ${reports.length} epochs${error ? `: ${error}` : ''}`
      : `${(100 * value).toFixed(1)} %`
  const { learningRate, optimizer, batchSize, schedule } = parameters
  const settings = `${optimizer} ${learningRate.toExponential(1)}, ${schedule}, batches of ${batchSize}`
  return `trial ${String(number).padStart(2)}  ${settings.padEnd(44)} ${outcome}`
}
