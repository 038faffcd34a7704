// Reads damaged and hostile files of weights and tokenizers, far more than the tests do:
// packages/core/test/fuzz.test.ts with a new seed. Prints for each format how many files were read and refused, the
// slowest, and the memory taken; fails on anything but their content or a typed error (and leaves that file in the
// directory for temporary files).
//
//     node bench/fuzz-checkpoints.mjs [INPUTS, 100000 by default] [SEED]
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const [inputs = '100000', seed = String(randomInt(2 ** 31))] = process.argv.slice(2)
console.log(`${inputs} inputs, seed ${seed}`)
const { status } = spawnSync('npx', ['vitest', 'run', 'packages/core/test/fuzz.test.ts', '--reporter=dot'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  env: { ...process.env, TFX_FUZZ_INPUTS: inputs, TFX_FUZZ_SEED: seed },
  stdio: 'inherit',
})
process.exitCode = status ?? 1
