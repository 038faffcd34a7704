// Shows that every gate can fail. In a clone of the last commit each gate must first pass; then one fault at a
// time is planted, and the gate meant for it must fail and name it. Run by hand, optionally for some gates only:
// `node scripts/prove-gates.mjs check:lint check:layers`.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { faults } from './planted-faults.mjs'
import { repository, run } from './workspace.mjs'

const chosen = process.argv.slice(2)
const gates = [...new Set(faults.map(({ gate }) => gate))].filter(
  (gate) => chosen.length === 0 || chosen.includes(gate),
)
const clone = mkdtempSync(join(tmpdir(), 'tfx-gates-'))
let surprises = 0
try {
  run('git', ['clone', '--quiet', repository, clone])
  run('node', ['scripts/setup.mjs'], { cwd: clone })
  for (const gate of gates) {
    const output = outcomeOf(gate)
    report(`${gate}: nothing planted`, output === undefined ? 'passes' : undefined, output)
    for (const fault of faults.filter((each) => each.gate === gate)) prove(fault)
  }
} finally {
  rmSync(clone, { recursive: true, force: true })
}
console.log(surprises === 0 ? 'Every gate can fail.' : `${surprises} results are not as expected.`)
process.exitCode = surprises === 0 ? 0 : 1

function prove({ gate, fault, edits, says }) {
  const restore = plant(edits)
  const output = outcomeOf(gate)
  restore()
  const verdict = output !== undefined && says.test(output) ? 'fails, as it should' : undefined
  report(`${gate}: ${fault}`, verdict, output ?? 'It passed.')
}

/** What the gate printed when it failed; undefined if it passed. */
function outcomeOf(gate) {
  // One package's tests are enough to see whether a test can fail.
  const parameters = gate === 'test' ? ['--', 'packages/metrics'] : []
  try {
    run('npm', ['run', '--silent', gate, ...parameters], { cwd: clone })
    return undefined
  } catch (error) {
    return error.message
  }
}

/** Edits files of the clone and returns what undoes it. */
function plant(edits) {
  const undo = Object.entries(edits).map(([name, edit]) => {
    const path = join(clone, name)
    const original = existsSync(path) ? readFileSync(path, 'utf8') : undefined
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, edit(original ?? ''))
    return () => (original === undefined ? rmSync(path) : writeFileSync(path, original))
  })
  return () => {
    undo.forEach((restore) => restore())
    // New folders too.
    run('git', ['clean', '-fdq'], { cwd: clone })
  }
}

function report(what, verdict, output) {
  if (verdict === undefined) surprises++
  console.log(`${what.padEnd(52)} ${verdict ?? `UNEXPECTED\n${output}`}`)
}
