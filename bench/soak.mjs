// Kills a training at random instants (SIGKILL), starts it again each time, and compares the weights at its end with
// those of a run that was left alone, byte for byte.
//
//     npm run build && node bench/soak.mjs [--kills 20]
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compose, keyboardTypos, transfer, wordDeletion, wordSwap } from './ours/packages.mjs'

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '20' }, child: { type: 'string' } },
})
if (values.child) await train(values.child)
else await soak(Number(values.kills))

/** Dropout, a random order, other words in every epoch, accumulation, an average and the best epoch: all that a cut could lead astray. */
async function train(folder) {
  const words =
    'a bit of this and that which was great or awful but never boring in the end for all of us'.split(' ')
  const rows = Array.from({ length: 480 }, (_, row) => {
    const text = Array.from(
      { length: 8 + (row % 9) },
      (_, i) => words[(row * 7 + i * (1 + (row % 5))) % words.length],
    )
    return { text: text.join(' '), label: text.includes('great') ? 'yes' : 'no' }
  })
  const model = await transfer(fileURLToPath(new URL('../packages/base-encoder', import.meta.url)), rows, {
    epochs: 2,
    batching: 'random',
    augmentation: compose(wordSwap(), wordDeletion(), keyboardTypos({ rate: 0.05 })),
    gradientAccumulationSteps: 2,
    emaDecay: 0.95,
    progress: false,
    checkpoints: { directory: join(folder, 'run'), everySteps: 4, onSignals: false },
    onEvent: ({ type }) => {
      if (type === 'start') process.send('started')
    },
  })
  await model.save(join(folder, 'model'))
  process.exit(0)
}

async function soak(kills) {
  const root = mkdtempSync(join(tmpdir(), 'tfx-soak-'))
  try {
    const alone = join(root, 'alone')
    const seconds = (await run(alone, Infinity)).seconds
    const killed = join(root, 'killed')
    let done = 0
    for (; done < kills; done++) {
      // So that about all kills fall into the run: each start gets a share of it.
      const { finished } = await run(killed, (Math.random() * 2 * seconds * 1000) / kills + 100)
      if (finished) break
    }
    await run(killed, Infinity)
    const same = hashOf(alone) === hashOf(killed)
    console.log(
      `${done} kills in a run of ${seconds.toFixed(1)} s; weights ${same ? 'the same, byte for byte' : 'DIFFER'}`,
    )
    process.exitCode = same && done > 0 ? 0 : 1
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Runs the training in a process of its own, killed so many milliseconds after its start. */
function run(folder, milliseconds) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--child', folder])
    let started
    child.once('message', () => {
      started = performance.now()
      if (milliseconds < Infinity) setTimeout(() => child.kill('SIGKILL'), milliseconds)
    })
    child.once('exit', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(`the training ended with ${code ?? signal}`))
      else resolve({ finished: code === 0, seconds: (performance.now() - started) / 1000 })
    })
  })
}

function hashOf(folder) {
  return createHash('sha256')
    .update(readFileSync(join(folder, 'model', 'model.safetensors')))
    .digest('hex')
}
