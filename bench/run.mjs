// npm run bench: this engine against PyTorch eager float32, alternating in one run.
//
//     node bench/run.mjs [--json] [--rounds 5] [--only TEXT] [--sst2 DIR --minilm DIR]
//
// Each side is a process of its own that stays warm; rounds alternate, so that both meet the same machine.
// A time is the median over all steps, and so is a ratio, of a step of ours to the one beside it: what neighbours on the
// machine take from memory changes within seconds. With --sst2 and --minilm also an epoch of SST-2 against Hugging
// Face Trainer. PYTHON names the interpreter (default python3); without torch in it only ours is measured.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { measureEpoch } from './measure-epoch.mjs'
import { median, openTimer } from './timer-process.mjs'

const stepsPerRound = 2
const cases = [
  { label: 'MiniLM-L6, 16 × 64', model: 'minilm', batch: 16, length: 64 },
  { label: 'MiniLM-L6, 8 × 128', model: 'minilm', batch: 8, length: 128 },
  { label: 'BERT-base, 16 × 64', model: 'bert', batch: 16, length: 64 },
  { label: 'BERT-base, 8 × 128', model: 'bert', batch: 8, length: 128 },
  { label: 'GPT-2 small, 4 × 128', model: 'gpt2', batch: 4, length: 128 },
  { label: 'SmolLM2-135M, 2 × 128', model: 'smollm2', batch: 2, length: 128 },
  { label: 'T5-small, 8 × 64 → 32', model: 't5', batch: 8, length: 64 },
]

const generationCases = ['gpt2', 'smollm2'].flatMap((model) =>
  [1, 8].flatMap((batch) => [1, 4].map((beams) => ({ model, batch, beams }))),
)

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    sst2: { type: 'string' },
    minilm: { type: 'string' },
  },
})
const python = findPython()
const rows = []
for (const entry of cases.filter(({ label }) => label.includes(options.only))) {
  rows.push(...(await measureStep(entry)))
}
for (const entry of generationCases) {
  const label = `generate: ${entry.model}, batch ${entry.batch}, ${entry.beams === 1 ? 'greedy' : `${entry.beams} beams`}`
  if (label.includes(options.only)) rows.push(...(await measureGeneration(label, entry)))
}
if (options.sst2 !== undefined && options.minilm !== undefined) {
  note('SST-2, one epoch')
  rows.push(await measureEpoch({ python, sst2: options.sst2, minilm: options.minilm }))
} else {
  note('SST-2 epoch: skipped; pass --sst2 and --minilm to measure it.')
}
printTable()
if (options.json) console.log(JSON.stringify({ rows }))

/** The interpreter, or undefined where it is missing or has no torch. */
function findPython() {
  const candidate = process.env.PYTHON ?? 'python3'
  try {
    execFileSync(candidate, ['-c', 'import torch, transformers'], { stdio: 'ignore' })
    return candidate
  } catch {
    note(
      `${candidate} has no torch and transformers (or is missing): only ours is measured. Set PYTHON to another.`,
    )
    return undefined
  }
}

/** Two rows: the whole step, and how much of it clipping and AdamW take. */
async function measureStep({ label, model, batch, length }) {
  note(label)
  const settings = ['--model', model, '--batch', String(batch), '--length', String(length)]
  // One after the other: neither warms up while the other computes.
  const ours = await openTimer(process.execPath, ['bench/ours/step.mjs', ...settings])
  const reference = python && (await openTimer(python, ['bench/reference/step.py', ...settings]))
  for (let round = 0; round < Number(options.rounds); round++) {
    await ours.run(stepsPerRound)
    await reference?.run(stepsPerRound)
  }
  const [a, b] = [await ours.close(), await reference?.close()]
  const memory = { oursPeakMB: a.peakMB, referencePeakMB: b?.peakMB ?? null }
  return [
    row({
      name: `step: ${label}`,
      ours: a.step,
      reference: b?.step,
      ratio: b && pairedRatio(a, b),
      unit: 'ms',
      ...memory,
    }),
    row({
      name: `optimizer share: ${label}`,
      ours: a.share,
      reference: b?.share,
      unit: '% of step',
      ...memory,
    }),
  ]
}

/** 64 tokens behind 32: beside Hugging Face, and without beams beside Transformers.js on the same weights. */
async function measureGeneration(label, { model, batch, beams }) {
  note(label)
  const settings = ['--model', model, '--batch', String(batch), '--beams', String(beams)]
  const script = 'bench/ours/generation.mjs'
  const sides = {
    ours: () => openTimer(process.execPath, [script, ...settings]),
    ...(beams === 1 && {
      'Transformers.js': () =>
        openTimer(process.execPath, [script, ...settings, '--engine', 'transformers.js']),
    }),
    ...(python && { PyTorch: () => openTimer(python, ['bench/reference/generation.py', ...settings]) }),
  }
  const timers = []
  for (const [side, open] of Object.entries(sides)) timers.push([side, await open()])
  // Those that waited while others started are half as slow again once.
  for (const [, timer] of timers) await timer.warmUp()
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [, timer] of timers) await timer.run(1)
  }
  const results = {}
  for (const [side, timer] of timers) results[side] = await timer.close()
  return Object.entries(results).flatMap(([side, result]) =>
    side === 'ours' && timers.length > 1
      ? []
      : [
          row({
            name: side === 'ours' ? label : `${label}, beside ${side}`,
            ours: results.ours.step,
            ...(side !== 'ours' && { reference: result.step, ratio: pairedRatio(results.ours, result) }),
            unit: 'ms',
            oursPeakMB: results.ours.peakMB,
            referencePeakMB: side === 'ours' ? null : result.peakMB,
          }),
        ],
  )
}

function pairedRatio(ours, other) {
  return median(ours.steps.map((time, index) => time / other.steps[index]))
}

function row({ reference = null, ratio = null, ...fields }) {
  return { reference, ratio: ratio ?? (reference && fields.ours / reference), ...fields }
}

function printTable() {
  const number = (value, digits) => (value === null ? '–' : value.toFixed(digits))
  const header = ['', 'ours', 'other', 'unit', 'ratio', 'our peak MB', 'other peak MB']
  const lines = rows.map(({ name, ours, reference, unit, ratio, oursPeakMB, referencePeakMB }) => [
    name,
    number(ours, 1),
    number(reference, 1),
    unit,
    number(ratio, 2),
    number(oursPeakMB, 0),
    number(referencePeakMB, 0),
  ])
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column].length)),
  )
  for (const line of [header, ...lines]) {
    const cells = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
    )
    console.log(cells.join('  '))
  }
}

/** Progress goes to stderr: with --json the object is the last line of stdout. */
function note(text) {
  console.error(text)
}
