// An epoch of SST-2: ours (ours/epoch.mjs) and Hugging Face Trainer's (reference/sst2_trainer.py), each in
// a process of its own, training time only.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('..', import.meta.url))

/** @returns The row of the epoch. */
export async function measureEpoch({ python, sst2, minilm }) {
  const settings = ['--sst2', sst2, '--minilm', minilm, '--epochs', '1', '--seed', '1']
  const ours = lastLine(process.execPath, ['bench/ours/epoch.mjs', ...settings])
  const reference = python && lastLine(python, ['bench/reference/sst2_trainer.py', ...settings])
  const seconds = ours.epochSeconds[0]
  const referenceSeconds = reference?.epochSeconds[0] ?? null
  return {
    name: 'epoch: SST-2, MiniLM-L6, batch 16',
    ours: seconds,
    reference: referenceSeconds,
    ratio: referenceSeconds && seconds / referenceSeconds,
    unit: 's',
    oursPeakMB: ours.peakMB,
    referencePeakMB: reference?.peakMB ?? null,
  }
}

function lastLine(command, args) {
  const output = execFileSync(command, args, {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(output.trim().split('\n').at(-1))
}
