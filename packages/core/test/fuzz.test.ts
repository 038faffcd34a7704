import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createRandom, isTfxError, sizeOf } from '@tfx/common'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  huggingFaceWeights,
  loadCheckpoint,
  loadTokenizer,
  openGguf,
  openSafetensors,
  openTorchFile,
  type WeightsReader,
} from '../src/index'

/** bench/fuzz-checkpoints.mjs asks for more inputs, and for a seed of its own. */
const seed = Number(process.env.TFX_FUZZ_SEED ?? 1)
const inputs = Number(process.env.TFX_FUZZ_INPUTS ?? 3000)

/** Reads a file and everything in it. @returns Whether something could be read. @throws What is no TfxError. */
type Read = (path: string) => Promise<boolean>

const refusal = (error: unknown) => {
  if (!isTfxError(error)) throw error
}

const readWeights =
  (open: (path: string) => Promise<WeightsReader>): Read =>
  async (path) => {
    const file = await open(path).catch(refusal)
    try {
      for (const [name, { shape }] of file?.tensors ?? []) {
        const values = await file?.read(name).catch(refusal)
        if (values && values.length !== sizeOf(shape)) throw new Error(`${name} has another size`)
      }
    } finally {
      await file?.close()
    }
    return (file?.tensors.size ?? 0) > 0
  }

/** By Hugging Face's names where the file's architecture has them. */
const readGguf = readWeights(async (path) => {
  const file = await openGguf(path)
  try {
    return huggingFaceWeights(file)
  } catch (error) {
    if (!isTfxError(error)) throw error
    return file
  }
})

interface Format {
  files: string[]
  /** What the file must be called. */
  name: string
  /** Other files that it needs. */
  beside?: Record<string, string>
  read: Read
  /** Of the inputs, relative to other formats. Default 1. */
  share?: number
}

const formats: Record<string, Format> = {
  safetensors: {
    files: ['core/data-types.safetensors', 'core/weights/torch-expected.safetensors'],
    name: 'input',
    read: readWeights(openSafetensors),
  },
  torch: {
    files: ['core/weights/torch-zip.bin', 'core/weights/torch-legacy.bin'],
    name: 'input',
    read: readWeights(openTorchFile),
  },
  gguf: {
    files: ['core/weights/llama.gguf', 'core/weights/quantized.gguf'],
    name: 'input',
    read: readGguf,
  },
  sentencepiece: {
    files: ['core/sentence-piece/t5/spiece.model', 'core/sentence-piece/gemma/tokenizer.model'],
    name: 'spiece.model',
    beside: { 'tokenizer_config.json': '{"tokenizer_class":"T5Tokenizer"}' },
    read: async (path) => {
      const tokenizer = await loadTokenizer(dirname(path)).catch(refusal)
      if (!tokenizer) return false
      const { inputIds } = tokenizer.encode('naïve ｶﾞ ﬁ 12,5 \u{1f44d} <extra_id_1>\t')
      if (typeof tokenizer.decode(inputIds) !== 'string') throw new Error('decoded to no text')
      return true
    },
  },
  // Whole models: metadata becomes a configuration and a tokenizer.
  'gguf models': {
    files: ['core/gguf/gpt2.gguf', 'core/gguf/phi3.gguf'],
    name: 'model.gguf',
    share: 0.3,
    read: async (path) => {
      const checkpoint = await loadCheckpoint(path).catch(refusal)
      return checkpoint !== undefined && (await readGguf(path))
    },
  },
}

const shares = Object.values(formats).reduce((sum, { share = 1 }) => sum + share, 0)

type Random = ReturnType<typeof createRandom>

/** Lengths and offsets that a forger would try. */
const forged = [
  0n,
  1n,
  0xffn,
  0xffffn,
  2n ** 31n - 1n,
  2n ** 32n - 1n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]
/** Opcodes of pickles, known and unknown to us. */
const opcodes = Buffer.from(
  '()]}NKMJGXtaesuqrhjcQRbl0210iodIFLSTUVP.\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x93',
  'latin1',
)

/** One to four changes at random places, most of them where headers and pickles are. */
function mutate(original: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(original)
  for (let left = random.integer(1 + random.integer(4)); left >= 0 && bytes.length > 0; left--) {
    const reach = random.next() < 0.7 ? Math.min(bytes.length, 2500) : bytes.length
    // Zip files have their directory at the end.
    const at = random.next() < 0.2 ? bytes.length - 1 - random.integer(reach) : random.integer(reach)
    const other = random.integer(bytes.length)
    const length = Math.min(1 + random.integer(64), bytes.length - at, bytes.length - other)
    switch (random.integer(8)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << random.integer(8))
        break
      case 1:
        bytes[at] = random.integer(256)
        break
      case 2:
        bytes[at] = opcodes[random.integer(opcodes.length)]!
        break
      case 3: {
        const number = Buffer.alloc(8)
        number.writeBigUInt64LE(forged[random.integer(forged.length)]!)
        number.copy(bytes, at, 0, [1, 2, 4, 8][random.integer(4)])
        break
      }
      case 4:
        bytes.copyWithin(at, other, other + length)
        break
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
        break
      case 6:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          bytes.subarray(other, other + length),
          bytes.subarray(at),
        ])
        break
      default:
        // Rarely, because little is left to read.
        if (random.next() < 0.3) bytes = bytes.subarray(0, at)
    }
  }
  return bytes
}

describe('a damaged or hostile file', () => {
  it.each(Object.keys(formats))(
    'of %s gives its content or a typed error, soon and without much memory',
    async (format) => {
      const { files, name, beside = {}, read, share = 1 } = formats[format]!
      const directory = await mkdtemp(join(tmpdir(), 'tfx-fuzz-'))
      const originals = await Promise.all(files.map((file) => readFile(fixturePath(file))))
      const random = createRandom(seed)
      const path = join(directory, name)
      for (const [other, content] of Object.entries(beside)) await writeFile(join(directory, other), content)
      const count = Math.ceil((inputs * share) / shares)
      let [readable, slowest] = [0, 0]
      // The library for GGUF, and what it takes to run anything.
      await writeFile(path, originals[0]!)
      expect(await read(path)).toBe(true)
      // The most that the process ever had, so that nothing short-lived escapes.
      const taken = () => process.resourceUsage().maxRSS * 1024
      const before = taken()
      for (let index = 0; index < count; index++) {
        const bytes = mutate(originals[index % originals.length]!, random)
        await writeFile(path, bytes)
        const started = performance.now()
        try {
          if (await read(path)) readable++
        } catch (error) {
          await writeFile(join(tmpdir(), `tfx-fuzz-${format}-${seed}-${index}`), bytes)
          throw new Error(`seed ${seed}, input ${index} of ${format}`, { cause: error })
        }
        slowest = Math.max(slowest, performance.now() - started)
      }
      const peak = taken() - before
      await rm(directory, { recursive: true })
      if (process.env.TFX_FUZZ_INPUTS !== undefined) {
        const report = { format, seed, inputs: count, read: readable, refused: count - readable }
        process.stdout.write(
          `${JSON.stringify({ ...report, slowestMs: Math.round(slowest), memoryMB: Math.round(peak / 1e6) })}\n`,
        )
      }
      // Both happen: a fuzzer whose inputs are all refused at the door tests the door only.
      expect(readable).toBeGreaterThan(count / 50)
      expect(count - readable).toBeGreaterThan(count / 50)
      expect(slowest).toBeLessThan(5000)
      expect(peak).toBeLessThan(400e6)
    },
    20_000 + inputs * 20,
  )
})
