// Runs the example of `npm run demo` and holds it to what the README shows: better than each baseline by what
// transfer is worth, the same scores in Transformers.js, and done in time.
import { run } from './workspace.mjs'

const output = run('node', ['examples/sentiment/main.js', '--json'])
const result = JSON.parse(output.trim().split('\n').at(-1))
const { accuracy, baselines, trainSeconds, transformersJsMaxDifference } = result
const promises = {
  'five points above the AFINN word list': accuracy >= baselines.afinn + 0.05,
  'above the same network from random weights': accuracy > baselines.scratch,
  'above the majority class': accuracy > baselines.majority,
  'the same scores in Transformers.js': transformersJsMaxDifference <= 1e-4,
  'trained within three minutes': trainSeconds < 180,
}
const broken = Object.keys(promises).filter((name) => !promises[name])
if (broken.length > 0) {
  console.error(`The demo is not: ${broken.join('; ')}.\n${JSON.stringify(result)}`)
  process.exitCode = 1
}
