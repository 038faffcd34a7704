// Trains with both logs, cuts the run and resumes it, and has TensorBoard's own reader read the event files: what it shows
// must be what the log of JSON lines says.
//
//     npm run build && PYTHON=python3 node bench/check-event-files.mjs      # needs tensorboard
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transfer } from './ours/packages.mjs'

const base = fileURLToPath(new URL('../packages/base-encoder', import.meta.url))
const rows = Array.from({ length: 160 }, (_, row) => ({
  text: `a ${row % 2 === 0 ? 'great' : 'dull'} film, number ${row}`,
  label: row % 2 === 0 ? 'yes' : 'no',
}))
const root = mkdtempSync(join(tmpdir(), 'tfx-event-files-'))
const [directory, log] = [join(root, 'run'), join(root, 'run.jsonl')]
try {
  // No checkpoint but those of every fifth step: what was done after it is done, and logged, again.
  for (const stopAfter of [8, 23, Infinity]) {
    const training = transfer(base, rows, {
      epochs: 2,
      progress: false,
      checkpoints: { directory: join(root, 'checkpoints'), everySteps: 5 },
      tensorBoard: directory,
      jsonLines: log,
      onEvent({ type, step }) {
        if (type === 'step' && step === stopAfter) throw new Error('cut')
      },
    })
    if (stopAfter === Infinity) await (await training).dispose()
    else await training.catch(() => undefined)
  }
  const script = fileURLToPath(new URL('reference/check_event_files.py', import.meta.url))
  execFileSync(process.env.PYTHON ?? 'python3', [script, directory, log], { stdio: 'inherit' })
} finally {
  rmSync(root, { recursive: true, force: true })
}
