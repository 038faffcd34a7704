// Checks every tensor of a GGUF file bit for bit: under llama.cpp's names against the Python package gguf, under
// Hugging Face's names against transformers. By reference/check_gguf.py on digests of our float32 numbers.
//
//     PYTHON=... node bench/check-gguf.mjs FILE.gguf
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { huggingFaceWeights, openGguf } from './ours/packages.mjs'

const [path] = process.argv.slice(2)
const scratch = mkdtempSync(join(tmpdir(), 'tfx-gguf-'))
const file = await openGguf(path)
try {
  const started = performance.now()
  const digests = { gguf: await digestsOf(file), transformers: await digestsOf(huggingFaceWeights(file)) }
  console.log(`read twice in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  const digestsFile = join(scratch, 'digests.json')
  writeFileSync(digestsFile, JSON.stringify(digests))
  const script = fileURLToPath(new URL('reference/check_gguf.py', import.meta.url))
  const python = process.env.PYTHON ?? 'python3'
  const { status } = spawnSync(python, [script, path, digestsFile], { stdio: 'inherit' })
  process.exitCode = status ?? 1
} finally {
  await file.close()
  rmSync(scratch, { recursive: true })
}

/** Shape and digest of every tensor. */
async function digestsOf(weights) {
  const digests = {}
  for (const [name, { shape, dtype }] of weights.tensors) {
    const digest = createHash('sha256')
      .update(new Uint8Array((await weights.read(name)).buffer))
      .digest('hex')
    digests[name] = { shape, dtype, digest }
  }
  return digests
}
