// What keeps a network from learning its text by heart: one plain Transformer from random weights, trained over and over on
// little text, without regularization and with more and more of it.
// node main.js [--text FILE] [--characters 16000] [--steps 800] [--report DIRECTORY] [--json]
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createRandom, mixSeed } from '@tfx/common'
import {
  adamW,
  augmentTexts,
  characterSubstitution,
  fit,
  parameterGroups,
  scheduleByName,
  writeReport,
} from '@tfx/train'
import { batchOf, createNetwork } from './network.js'
import { piecesOf, readText } from './text.js'

const { values } = parseArgs({
  options: {
    text: { type: 'string' },
    characters: { type: 'string', default: '16000' },
    steps: { type: 'string', default: '800' },
    report: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const steps = Number(values.steps)
const [seed, length, batchSize, learningRate] = [42, 64, 16, 2e-3]
const text = readText(values.text, Number(values.characters))
const sizes = {
  vocabSize: text.vocabSize,
  hiddenSize: 128,
  numHeads: 4,
  numLayers: 3,
  maxPositionEmbeddings: length,
}
const noise = characterSubstitution({ rate: 0.05 })

/** Each has what the one before it has. */
const runs = [
  { name: 'nothing' },
  { name: 'dropout', dropout: 0.2 },
  { name: '+ weight decay', dropout: 0.2, weightDecay: 0.1 },
  { name: '+ cosine schedule', dropout: 0.2, weightDecay: 0.1, schedule: 'cosine' },
  { name: '+ augmentation', dropout: 0.2, weightDecay: 0.1, schedule: 'cosine', augmentation: noise },
]

const results = []
for (const run of runs) results.push(await train(run))
console.log(`\nLoss per character after ${steps} steps, ${text.training.length} characters to learn from:`)
console.log(`${'regularization'.padEnd(20)} learned from   held out   best held out`)
for (const { name, training, heldOut, best } of results) {
  const numbers = [training, heldOut, best].map((loss) => loss.toFixed(3).padStart(11))
  console.log(`${name.padEnd(20)}${numbers.join('  ')}`)
}
if (values.json) console.log(JSON.stringify({ results }))

async function train({ name, dropout = 0, weightDecay = 0, schedule = 'constant', augmentation }) {
  const optimizer = adamW({ weightDecay })
  const network = await createNetwork({ ...sizes, dropout }, { optimizer, seed })
  const { store, parameters, program, evaluation } = network
  const measure = (pieces) => meanLoss(evaluation, pieces)
  const heldOut = piecesOf(text.heldOut, length)
  const learned = piecesOf(text.training, length).filter((_, index) => index % 4 === 0)
  const warmupSteps = schedule === 'constant' ? 0 : Math.ceil(steps / 20)
  const result = await fit({
    store,
    program,
    parameters,
    optimizer,
    groups: parameterGroups(parameters, { weightDecay }),
    learningRate,
    schedule: scheduleByName(schedule, { warmupSteps, totalSteps: steps, learningRate }),
    batches: (epoch) => batchesOf(epoch, augmentation),
    maxSteps: steps,
    evaluate: async () => ({ heldOut: await measure(heldOut), learned: await measure(learned) }),
    evaluateEvery: Math.max(1, Math.round(steps / 12)),
    seed,
    onEvent({ type, step, metrics }) {
      if (type === 'evaluate') console.error(`${name}: step ${step}, held out ${metrics.heldOut.toFixed(3)}`)
    },
  })
  if (values.report) {
    const settings = Object.entries({
      dropout,
      weightDecay,
      schedule,
      augmentation: augmentation?.name ?? 'none',
    })
    await writeReport(join(values.report, `${name.replace(/\W+/g, '-').replace(/^-/, '')}.html`), {
      title: `Regularization: ${name}`,
      training: result,
      settings: settings.map(([name, value]) => ({ name, value, origin: 'option' })),
    })
  }
  await program.dispose()
  await evaluation.dispose()
  store.dispose()
  const { metrics } = result.evaluations.at(-1)
  const best = Math.min(...result.evaluations.map(({ metrics }) => metrics.heldOut))
  return { name, training: metrics.learned, heldOut: metrics.heldOut, best }
}

/** The pieces of the text in another order, and cut at other places, in every epoch. */
async function* batchesOf(epoch, augmentation) {
  const random = createRandom(mixSeed(seed, epoch))
  const pieces = piecesOf(text.training, length, random.integer(length))
  const order = random.shuffle(pieces.map((_, index) => index))
  for (let start = 0; start + batchSize <= order.length; start += batchSize) {
    const indices = order.slice(start, start + batchSize)
    const clean = indices.map((index) => pieces[index])
    const read = augmentation ? await augmentTexts(augmentation, clean, { seed, epoch, indices }) : clean
    yield batchOf(clean, text.encode, read)
  }
}

async function meanLoss(evaluation, pieces) {
  let [sum, weight] = [0, 0]
  for (let start = 0; start < pieces.length; start += batchSize) {
    const batch = batchOf(pieces.slice(start, start + batchSize), text.encode)
    const { loss } = await evaluation.run(batch.inputs)
    sum += loss.data[0] * batch.weight
    weight += batch.weight
  }
  return sum / weight
}
