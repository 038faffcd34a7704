// Compares loss and every gradient with PyTorch's, as reference/gradients.py wrote them into DIR.
//
//     node bench/gradients.mjs DIR… [--json] [--tolerance 1e-4]
//
// The error of a tensor is the worst difference of an element, relative to the tensor's largest entry. The key
// biases of attention are apart: the same number on every score of a row changes no softmax, so their gradient
// is zero and both sides have only rounding noise. Ours must be as small beside the largest gradient of all.
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { openSafetensors } from './ours/packages.mjs'
import { batchOf, configOf, createTraining, withoutDropout } from './ours/training-step.mjs'

const { values: options, positionals: directories } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, tolerance: { type: 'string', default: '1e-4' } },
})
const tolerance = Number(options.tolerance)
const rows = []
for (const directory of directories) rows.push(await compare(directory))
if (options.json) {
  console.log(JSON.stringify({ rows }))
} else {
  console.table(
    rows.map(({ worst, ...row }) => ({
      ...row,
      worst: worst[0]?.name,
      error: worst[0]?.error.toExponential(2),
    })),
  )
}
process.exit(rows.every(({ passed }) => passed) ? 0 : 1)

async function compare(directory) {
  const reference = JSON.parse(readFileSync(join(directory, 'batch.json'), 'utf8'))
  const training = await createTraining(withoutDropout(configOf(directory)), {
    weights: directory,
    shape: [reference.input_ids.length, reference.input_ids[0].length],
  })
  const lengths = reference.attention_mask.map((mask) => mask.reduce((sum, one) => sum + one, 0))
  const ids = reference.input_ids.map((row, index) => row.slice(0, lengths[index]))
  const batch = batchOf(ids, reference.labels, reference.input_ids[0].length)
  const loss = (await training.program.run(batch)).loss.data[0]
  const lossError = Math.abs(loss - reference.loss) / Math.abs(reference.loss)

  const file = await openSafetensors(join(directory, 'gradients.safetensors'))
  const expectedNames = [...file.tensors.keys()]
  const missing = expectedNames.filter((name) => !training.names.includes(name))
  const errors = []
  for (const name of training.names) {
    errors.push({ name, ...difference(await training.store.read(name, 'gradient'), await file.read(name)) })
  }
  await file.close()
  await training.program.dispose()
  training.store.dispose()
  const isZero = ({ name }) => /(key|k_lin)\.bias$/.test(name)
  const compared = errors.filter((entry) => !isZero(entry)).sort((a, b) => b.error - a.error)
  const noise = Math.max(...errors.filter(isZero).map((entry) => entry.largestOurs))
  const keyBiasNoise = noise / Math.max(...compared.map(({ largest }) => largest))
  const worstError = Math.max(lossError, keyBiasNoise, compared[0].error)
  return {
    model: basename(directory),
    passed: missing.length === 0 && worstError <= tolerance,
    loss,
    lossError,
    gradients: errors.length,
    missing: missing.length,
    keyBiasNoise,
    worst: compared.slice(0, 5),
  }
}

function difference(received, expected) {
  let worst = 0
  let largest = 0
  let largestOurs = 0
  for (let index = 0; index < expected.length; index++) {
    largest = Math.max(largest, Math.abs(expected[index]))
    largestOurs = Math.max(largestOurs, Math.abs(received[index]))
    const distance = Math.abs(received[index] - expected[index])
    // NaN must not pass for small.
    if (!(distance <= worst)) worst = distance
  }
  return { error: largest === 0 ? worst : worst / largest, largest, largestOurs }
}
