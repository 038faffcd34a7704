import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import { fixturePath } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { huggingFaceWeights, openGguf, openSafetensors } from '../src/index'

const fixture = (name: string) => fixturePath(`core/weights/${name}`)

let directory: string
let counter = 0
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tfx-gguf-'))
})

/** A copy of a fixture with other bytes. */
async function changed(name: string, change: (bytes: Buffer) => Uint8Array | void): Promise<string> {
  const bytes = await readFile(fixture(name))
  const path = join(directory, `${counter++}.gguf`)
  await writeFile(path, change(bytes) ?? bytes)
  return path
}

/** The first byte after a text of the file. */
const after = (bytes: Buffer, text: string) => bytes.indexOf(text) + text.length

describe('openGguf', () => {
  it('dequantizes every type as the reference does, bit for bit', async () => {
    const file = await openGguf(fixture('quantized.gguf'))
    const expected = await openSafetensors(fixture('quantized-expected.safetensors'))
    expect([...expected.tensors.keys()].sort()).toEqual([
      'BF16',
      'F16',
      'F32',
      'Q4_0',
      'Q4_1',
      'Q4_K',
      'Q5_0',
      'Q5_1',
      'Q5_K',
      'Q6_K',
      'Q8_0',
    ])
    for (const [name, { shape }] of expected.tensors) {
      expect(file.tensors.get(name)).toMatchObject({ dtype: name, shape })
      const values = await file.read(name)
      expect(new Set(values).size, name).toBeGreaterThan(40)
      expect(values, name).toEqual(await expected.read(name))
    }
    await Promise.all([file.close(), expected.close()])
  })

  it('gives the metadata', async () => {
    const file = await openGguf(fixture('quantized.gguf'))
    expect(file.metadata.get('general.architecture')).toBe('llama')
    expect(file.metadata.get('tokenizer.ggml.tokens')).toEqual(['a', 'é'])
    await file.close()
  })

  it('lists a type that it does not read, and says which it does', async () => {
    const file = await openGguf(fixture('quantized.gguf'))
    expect(file.tensors.get('IQ4_NL')).toMatchObject({ dtype: 'IQ4_NL', shape: [2, 32] })
    await expect(file.read('IQ4_NL')).rejects.toThrow(
      /'IQ4_NL' is of F32, F16, BF16, F64, Q4_0, .*Q6_K, but got IQ4_NL\. Choose a file of another quantization/,
    )
    await expect(file.read('absent')).rejects.toThrow(/the tensor 'absent', but got one without it/)
    await expect(file.readInto('Q4_0', new Float32Array(3))).rejects.toThrow(/must be 192 elements/)
    await file.close()
  })

  /** Each list takes twelve bytes, and zeros are empty lists. */
  function listOfLists(bytes: Buffer): Uint8Array {
    bytes.writeUInt32LE(9, after(bytes, 'ggml.tokens') + 4)
    bytes.writeBigUInt64LE(990_000n, after(bytes, 'ggml.tokens') + 8)
    return bytes.fill(0, after(bytes, 'ggml.tokens') + 16)
  }

  const refused: [string, (bytes: Buffer) => Uint8Array | void, RegExp][] = [
    ['is empty', () => new Uint8Array(0), /a GGUF file of at least 24 bytes, but got 0 bytes/],
    [
      'is something else',
      (bytes) => void bytes.write('GGML'),
      /of version 2 or 3, but got the start 47474d4c03/,
    ],
    ['is big-endian', (bytes) => void bytes.writeUInt32BE(3, 4), /little-endian GGUF file of version 2 or 3/],
    ['has version 1', (bytes) => void bytes.writeUInt32LE(1, 4), /of version 2 or 3/],
    [
      'has too many tensors',
      (bytes) => void bytes.writeBigUInt64LE(9_000_000n, 8),
      /holds its 9000000 tensors/,
    ],
    [
      'has too many keys',
      (bytes) => void bytes.writeBigUInt64LE(2n ** 60n, 16),
      /holds its 12 tensors and 115/,
    ],
    [
      'has an unknown kind of value',
      (bytes) => void bytes.writeUInt32LE(99, after(bytes, 'block_count')),
      /Unsupported metadata type: 99/,
    ],
    [
      'has a text without end',
      (bytes) => void bytes.writeBigUInt64LE(2n ** 40n, after(bytes, 'general.architecture') + 4),
      /String length 1099511627776/,
    ],
    [
      'has a list without end',
      (bytes) => void bytes.writeBigUInt64LE(900_000n, after(bytes, 'ggml.tokens') + 8),
      /a GGUF file, but got String length/,
    ],
    [
      'has a type that does not exist',
      (bytes) => void bytes.writeUInt32LE(77, after(bytes, 'Q8_0') + 20),
      /type 77 of 'Q8_0'/,
    ],
    [
      'has a tensor beyond its end',
      (bytes) => void bytes.writeBigUInt64LE(2n ** 62n, after(bytes, 'Q8_0') + 24),
      /holds the 204 bytes of 'Q8_0'/,
    ],
    [
      'has a huge tensor',
      (bytes) => void bytes.writeBigUInt64LE(2n ** 31n, after(bytes, 'F32') + 12),
      /bytes of 'F32'/,
    ],
    [
      'has half a block',
      (bytes) => void bytes.writeBigUInt64LE(33n, after(bytes, 'Q8_0') + 4),
      /rows of whole blocks of 32, but got rows of 33/,
    ],
    ['names a tensor twice', (bytes) => void bytes.write('Q4_1', bytes.indexOf('Q4_0')), /'Q4_1' twice/],
    ['has a list of nothing without end', listOfLists, /that holds its header, but got 4736 bytes/],
    ['is cut in its header', (bytes) => bytes.subarray(0, 400), /holds its header|GGUF file/],
    ['is cut in its tensors', (bytes) => bytes.subarray(0, 3000), /holds the \d+ bytes of/],
  ]

  it.each(refused)('refuses a file that %s', async (_, change, message) => {
    const error = await openGguf(await changed('quantized.gguf', change)).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as Error).message).toMatch(message)
  })

  it('refuses a key that is there twice', async () => {
    const path = await changed(
      'llama.gguf',
      (bytes) => void bytes.write('llama.context_length', bytes.indexOf('llama.rope.freq_base')),
    )
    await expect(openGguf(path)).rejects.toThrow(/names every key once, but got repeated keys/)
  })
})

describe('huggingFaceWeights', () => {
  it('gives the names and values that transformers reads', async () => {
    const weights = huggingFaceWeights(await openGguf(fixture('llama.gguf')))
    const expected = await openSafetensors(fixture('llama-expected.safetensors'))
    expect([...weights.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort())
    for (const [name, { shape }] of expected.tensors) {
      expect(weights.tensors.get(name)?.shape).toEqual(shape)
      expect(await weights.read(name), name).toEqual(await expected.read(name))
      const target = new Float32Array((await weights.read(name)).length)
      await weights.readInto(name, target)
      expect(target).toEqual(await expected.read(name))
    }
    await expect(weights.read('absent')).rejects.toThrow(/the tensor 'absent'/)
    await Promise.all([weights.close(), expected.close()])
  })

  it.each([
    [
      'another architecture',
      'llama',
      (bytes: Buffer) => void bytes.write('bloom', after(bytes, 'general.architecture') + 12),
      /one of the architectures llama, qwen2, .*, gpt2, but got 'bloom'\. Choose the safetensors/,
    ],
    [
      'a tensor without counterpart',
      'blk.0.ffn_up',
      (bytes: Buffer) => void bytes.write('ffn_UP', bytes.indexOf('ffn_up')),
      /a dense model of the architecture llama, but got the tensor 'blk\.0\.ffn_UP\.weight'/,
    ],
    [
      'heads that do not divide the rows',
      'head_count',
      (bytes: Buffer) => void bytes.writeUInt32LE(5, after(bytes, 'attention.head_count') + 4),
      /rows for 5 heads of an even size, but got the shape \[12, 12\]/,
    ],
    [
      'no heads',
      'head_count',
      (bytes: Buffer) => void bytes.writeUInt32LE(0, after(bytes, 'attention.head_count') + 4),
      /rows for 0 heads/,
    ],
  ])('refuses %s', async (_, __, change, message) => {
    const file = await openGguf(await changed('llama.gguf', change))
    expect(() => huggingFaceWeights(file)).toThrow(message)
    expect(() => huggingFaceWeights(file)).toThrow(CheckpointError)
    await file.close()
  })
})
