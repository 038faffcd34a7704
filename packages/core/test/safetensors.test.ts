import { mkdtemp, open, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArgumentError, CheckpointError, isTfxError, sizeOf } from '@tfx/common'
import { fixturePath } from '@tfx/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { openSafetensors, type TensorToWrite, writeSafetensors } from '../src/index'
import { encodeElements } from '../src/weights/number-formats'

let directory: string
let counter = 0
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tfx-safetensors-'))
})

const newPath = (name = 'model.safetensors') => join(directory, `${counter++}-${name}`)

/** A file with this header and this many bytes of data. */
async function fileOf(header: unknown, dataBytes = 0): Promise<string> {
  const text = typeof header === 'string' ? header : JSON.stringify(header)
  const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(text), Buffer.alloc(dataBytes)])
  bytes.writeBigUInt64LE(BigInt(Buffer.byteLength(text)))
  const path = newPath()
  await writeFile(path, bytes)
  return path
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
})

describe('openSafetensors', () => {
  it('lists and reads what Python wrote', async () => {
    const file = await openSafetensors(fixturePath('core/data-types.safetensors'))
    expect(Object.fromEntries(file.tensors)).toMatchObject({
      float64: { dtype: 'F64', shape: [2, 2] },
      int64: { dtype: 'I64', shape: [4] },
      scalar: { dtype: 'F32', shape: [] },
      empty: { dtype: 'F32', shape: [0, 3] },
    })
    expect(file.metadata).toEqual({ format: 'pt', note: 'é' })
    expect([...(await file.read('float64'))]).toEqual([1.5, -2.25, Math.fround(1e-3), Math.fround(3e38)])
    expect([...(await file.read('scalar'))]).toEqual([2.5])
    expect([...(await file.read('empty'))]).toEqual([])
    await expect(file.read('int64')).rejects.toThrow(
      /'int64' has floating-point numbers \(F32, F16, BF16, F64\), but got I64\. Choose a checkpoint that is not quantized\./,
    )
    await expect(file.read('absent')).rejects.toThrow(
      /must be a file with the tensor 'absent', but got one without it/,
    )
    await expect(file.readInto('scalar', new Float32Array(2))).rejects.toThrow(
      "readInto: 'destination' must be 1 elements, the size of 'scalar', but got 2.",
    )
    await file.close()
  })

  it('opens a file that has complex numbers and such of half a byte beside others', async () => {
    const path = await fileOf(
      {
        half: { dtype: 'F4', shape: [2, 2], data_offsets: [0, 2] },
        complex: { dtype: 'C64', shape: [1], data_offsets: [2, 10] },
        plain: { dtype: 'F32', shape: [1], data_offsets: [10, 14] },
      },
      14,
    )
    const file = await openSafetensors(path)
    expect(await file.read('plain')).toEqual(new Float32Array(1))
    await expect(file.read('half')).rejects.toThrow(
      'has floating-point numbers (F32, F16, BF16, F64), but got F4',
    )
    await file.close()
  })

  it('reads into the middle of WebAssembly memory and nowhere else', async () => {
    const file = await openSafetensors(fixturePath('core/number-formats.safetensors'))
    const memory = new WebAssembly.Memory({ initial: 1 })
    const length = sizeOf(file.tensors.get('float16')?.shape ?? [])
    const target = new Float32Array(memory.buffer, 64, length)
    await file.readInto('float16', target)
    expect(bitsOf(target)).toEqual(bitsOf(await file.read('float16')))
    expect(new Float32Array(memory.buffer, 0, 16)).toEqual(new Float32Array(16))
    expect(new Float32Array(memory.buffer, 64 + 4 * length).every((value) => value === 0)).toBe(true)
    await file.close()
  })

  it.each(['float16', 'bfloat16'])('converts every kind of %s exactly as PyTorch', async (name) => {
    const file = await openSafetensors(fixturePath('core/number-formats.safetensors'))
    const ours = await file.read(name)
    const theirs = await file.read(`${name}_as_float32`)
    expect(ours.length).toBeGreaterThan(4000)
    // Bits, so that -0 is not 0; NaNs may carry any payload.
    ours.forEach((value, index) => {
      if (Number.isNaN(theirs[index])) expect(value).toBeNaN()
      else expect(Object.is(value, theirs[index]), `${value} ${theirs[index]}`).toBe(true)
    })
    await file.close()
  })

  const malformed: [string, () => Promise<string>, RegExp][] = [
    [
      'is missing',
      async () => newPath('none'),
      /must be a file that can be read, but got ENOENT\. Check the path/,
    ],
    ['is empty', () => fileWith(Buffer.alloc(0)), /at least 8 bytes, but got 0 bytes\. The file is damaged/],
    [
      'has a header beyond its end',
      () => fileWith(Buffer.from('ff00000000000000', 'hex')),
      /holds its header of 255 bytes, but got a file of 8 bytes/,
    ],
    [
      'has a header above 100 MB',
      () => fileWith(Buffer.from('ffffffffffffffff7b7d', 'hex')),
      /at most 100000000 bytes, but got 18446744073709551615 bytes/,
    ],
    ['has bad JSON', () => fileOf('{"a":'), /header is a JSON object, but got a header that is not JSON/],
    ['has bad UTF-8', () => fileWith(Buffer.from('0400000000000000227bff22', 'hex')), /not JSON/],
    ['has an array as header', () => fileOf([]), /JSON object, but got another JSON value/],
    [
      'names a tensor twice',
      () =>
        fileOf(
          '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
        ),
      /names everything once, but got 'a' twice/,
    ],
    [
      'has a field twice',
      () => fileOf('{"a":{"dtype":"F32","dtype":"F16","shape":[0],"data_offsets":[0,0]}}'),
      /'dtype' twice/,
    ],
    [
      'has metadata that is no text',
      () => fileOf({ __metadata__: { a: 1 } }),
      /__metadata__ is an object of strings, but got {"a":1}/,
    ],
    [
      'has an entry that is no object',
      () => fileOf({ a: 1 }),
      /'a' has dtype, shape and data_offsets, but got 1/,
    ],
    [
      'nests deeper than the stack',
      () => fileOf(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
      /'a' has dtype, shape and data_offsets, but got a deeply nested value/,
    ],
    [
      'has a text of megabytes',
      () => fileOf(`{"${'\\n'.repeat(6_000_000)}":1}`),
      /has dtype, shape and data_offsets, but got 1/,
    ],
    [
      'has an unknown dtype',
      () => fileOf({ a: { ...f32(0, 4), dtype: 'toString' } }, 4),
      /'a' has a dtype of F4, .*, but got toString/,
    ],
    [
      'has a negative size',
      () => fileOf({ a: f32(0, 4, [-1]) }, 4),
      /'a' has a shape of whole numbers, but got \[-1\]/,
    ],
    ['has a fractional size', () => fileOf({ a: f32(0, 4, [1.5]) }, 4), /shape of whole numbers/],
    [
      'has three offsets',
      () => fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, 8),
      /'a' has two data_offsets/,
    ],
    [
      'has reversed offsets',
      () => fileOf({ a: f32(4, 0, [1]) }, 4),
      /data_offsets within the 4 bytes of data, but got \[4,0\]/,
    ],
    [
      'is truncated',
      () => fileOf({ a: f32(0, 8) }, 5),
      /data_offsets within the 5 bytes of data, but got \[0,8\]/,
    ],
    [
      'has sizes that contradict the shape',
      () => fileOf({ a: f32(0, 8, [3]) }, 8),
      /'a' has 12 bytes, as its dtype and shape say, but got 8 bytes/,
    ],
    [
      'has a shape too large for numbers',
      () => fileOf({ a: f32(0, 8, [2 ** 40, 2 ** 40]) }, 8),
      /as its dtype and shape say/,
    ],
    [
      'has overlapping tensors',
      () => fileOf({ a: f32(0, 8), b: f32(4, 12) }, 12),
      /'b' starts where the tensor before it ends, but got an overlap of 4 bytes/,
    ],
    ['has a gap', () => fileOf({ a: f32(0, 4), b: f32(8, 12) }, 12), /but got a gap of 4 bytes/],
    [
      'has bytes that belong to nothing',
      () => fileOf({ a: f32(0, 4) }, 9),
      /with 4 bytes of data, as its header says, but got 9 bytes/,
    ],
  ]

  it.each(malformed)('refuses a file that %s', async (_, make, message) => {
    const path = await make()
    const error = await openSafetensors(path).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as Error).message).toMatch(message)
    expect((error as CheckpointError).argument).toBe(path)
  })

  it('never crashes or hangs: any bytes are read or refused with a typed error', async () => {
    const valid = await readFile(fixturePath('core/data-types.safetensors'))
    const mutation = fc.record({ position: fc.nat(valid.length - 1), byte: fc.nat(255) })
    const mutated = fc
      .tuple(fc.array(mutation, { minLength: 1, maxLength: 6 }), fc.nat(valid.length))
      .map(([mutations, cut]) => {
        const bytes = Buffer.from(valid)
        for (const { position, byte } of mutations) bytes[position] = byte
        return cut % 3 === 0 ? bytes.subarray(0, cut) : bytes
      })
    const headerOf = fc.json().map((json) => {
      const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(json), Buffer.alloc(12)])
      bytes.writeBigUInt64LE(BigInt(Buffer.byteLength(json)))
      return bytes
    })
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, headerOf, random), async (bytes) => {
        const path = join(directory, 'fuzz.safetensors')
        await writeFile(path, bytes)
        try {
          const file = await openSafetensors(path)
          for (const [name, { dtype }] of file.tensors) {
            if (dtype.startsWith('F32')) await file.read(name)
          }
          await file.close()
        } catch (error) {
          if (!isTfxError(error)) throw error
        }
      }),
      { numRuns: 600 },
    )
  })
})

describe('a checkpoint in shards', () => {
  const index = fixturePath('core/bert-sharded/model.safetensors.index.json')

  it('reads as one file', async () => {
    const whole = await openSafetensors(fixturePath('core/bert-classification/model.safetensors'))
    const shards = await openSafetensors(index)
    expect([...shards.tensors.keys()].sort()).toEqual([...whole.tensors.keys()].sort())
    expect(shards.metadata).toEqual({ format: 'pt' })
    for (const name of whole.tensors.keys()) expect(await shards.read(name)).toEqual(await whole.read(name))
    await expect(shards.read('absent')).rejects.toThrow(CheckpointError)
    await Promise.all([whole.close(), shards.close()])
  })

  async function changed(change: (weightMap: Record<string, unknown>) => unknown): Promise<string> {
    const folder = await mkdtemp(join(directory, 'shards-'))
    for (const name of await readdir(fixturePath('core/bert-sharded'))) {
      await writeFile(join(folder, name), await readFile(fixturePath(`core/bert-sharded/${name}`)))
    }
    const json = JSON.parse(await readFile(index, 'utf8')) as { weight_map: Record<string, unknown> }
    const path = join(folder, 'model.safetensors.index.json')
    await writeFile(path, JSON.stringify({ weight_map: change(json.weight_map) }))
    return path
  }

  it.each([
    [
      'a shard is missing',
      (map: object) => ({ ...map, x: 'model-9.safetensors' }),
      /model-9.safetensors' must be a file that can be read, but got ENOENT/,
    ],
    [
      'a tensor is not in its shard',
      (map: object) => ({ ...map, x: 'model-00001-of-00003.safetensors' }),
      /whose 'x' is in model-00001-of-00003.safetensors, but got none there/,
    ],
    [
      'a shard lies elsewhere',
      (map: object) => ({ ...map, x: '../model.safetensors' }),
      /weight_map gives the shard of each tensor/,
    ],
    ['there is no weight_map', () => null, /weight_map gives the shard of each tensor/],
  ])('is refused when %s', async (_, change, message) => {
    const error = await openSafetensors(await changed(change)).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as Error).message).toMatch(message)
  })
})

describe('writeSafetensors', () => {
  it.each([
    ['F16', 'float16'],
    ['BF16', 'bfloat16'],
  ] as const)('rounds to %s as PyTorch does', async (dtype, name) => {
    const reference = await openSafetensors(fixturePath('core/number-formats.safetensors'))
    const source = await reference.read('source')
    const ours = new Uint16Array(encodeElements(dtype, source).buffer)
    const theirs = await rawElements(fixturePath('core/number-formats.safetensors'), name)
    expect(ours).toHaveLength(theirs.length)
    const infinity = dtype === 'F16' ? 0x7c00 : 0x7f80
    ours.forEach((bits, index) => {
      const theirBits = theirs[index]!
      // A NaN may have any payload, but stays a NaN.
      if ((theirBits & 0x7fff) > infinity) expect(bits & 0x7fff).toBeGreaterThan(infinity)
      else expect(bits, `${source[index]}`).toBe(theirBits)
    })
    await reference.close()
  })

  it('gives back every float16 that it reads', async () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, half) => half)
    const path = await fileOf({ a: { dtype: 'F16', shape: [65536], data_offsets: [0, 131072] } })
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.from(halves.buffer)]))
    const file = await openSafetensors(path)
    const again = new Uint16Array(encodeElements('F16', await file.read('a')).buffer)
    again.forEach((half, index) => {
      if ((index & 0x7fff) > 0x7c00) expect(half & 0x7fff).toBeGreaterThan(0x7c00)
      else if (half !== index) expect.fail(`${index} became ${half}`)
    })
    await file.close()
  })

  const tensor = (name: string, values: number[], dtype?: 'F32' | 'F16' | 'BF16'): TensorToWrite => ({
    name,
    shape: [values.length],
    ...(dtype && { dtype }),
    data: () => Promise.resolve(Float32Array.from(values)),
  })

  it('writes what it reads, for any names, shapes and types', async () => {
    const name = fc.string({ maxLength: 12 }).filter((text) => text !== '__metadata__')
    const entry = fc.record({
      name,
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
      dtype: fc.constantFrom('F32' as const, 'F16' as const, 'BF16' as const),
    })
    const entries = fc.uniqueArray(entry, { selector: (item) => item.name, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const path = newPath()
        // Small whole numbers are exact in every type.
        const valuesOf = (shape: number[]) =>
          Float32Array.from({ length: sizeOf(shape) }, (_, index) => index - 3)
        await writeSafetensors(
          path,
          list.map((item) => ({ ...item, data: () => valuesOf(item.shape) })),
        )
        const file = await openSafetensors(path)
        expect([...file.tensors.keys()].sort()).toEqual(list.map((item) => item.name).sort())
        for (const item of list) {
          expect(file.tensors.get(item.name)).toMatchObject({ dtype: item.dtype, shape: item.shape })
          expect(await file.read(item.name)).toEqual(valuesOf(item.shape))
        }
        await file.close()
      }),
      { numRuns: 60 },
    )
  })

  it('marks the file for PyTorch and aligns the data', async () => {
    const path = newPath()
    await writeSafetensors(path, [tensor('half', [1, 2, 3], 'F16'), tensor('single', [4])])
    const bytes = await readFile(path)
    expect(Number(bytes.readBigUInt64LE()) % 8).toBe(0)
    const file = await openSafetensors(path)
    expect(file.metadata).toEqual({ format: 'pt' })
    expect(file.tensors.get('single')).toMatchObject({ begin: 0 })
    await file.close()
  })

  it('splits into shards with an index, and keeps a large tensor whole', async () => {
    const folder = await mkdtemp(join(directory, 'split-'))
    const path = join(folder, 'model.safetensors')
    const tensors = [tensor('a', [1, 2]), tensor('b', [3]), tensor('c', [4, 5, 6, 7]), tensor('d', [8])]
    const files = await writeSafetensors(path, tensors, { maxShardSize: 12 })
    expect(files).toEqual([
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
      'model.safetensors.index.json',
    ])
    expect((await readdir(folder)).sort()).toEqual(files)
    const index = JSON.parse(await readFile(`${path}.index.json`, 'utf8')) as object
    expect(index).toEqual({
      metadata: { total_size: 32 },
      weight_map: { a: files[0], b: files[0], c: files[1], d: files[2] },
    })
    const file = await openSafetensors(`${path}.index.json`)
    expect([...(await file.read('c'))]).toEqual([4, 5, 6, 7])
    await file.close()
  })

  it('asks for the numbers of one tensor at a time', async () => {
    const order: string[] = []
    const lazily = (name: string): TensorToWrite => ({
      name,
      shape: [1],
      data: async () => {
        order.push(`start ${name}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
        order.push(`end ${name}`)
        return new Float32Array(1)
      },
    })
    await writeSafetensors(newPath(), [lazily('a'), lazily('b')])
    expect(order).toEqual(['start a', 'end a', 'start b', 'end b'])
  })

  it('refuses two tensors of one name, and leaves no file when a tensor does not fit its shape', async () => {
    const folder = await mkdtemp(join(directory, 'bad-'))
    const path = join(folder, 'model.safetensors')
    await expect(writeSafetensors(path, [tensor('a', [1]), tensor('a', [2])])).rejects.toThrow(
      "writeSafetensors: 'tensors' must be a list of tensors with different names, but got 'a' twice or reserved.",
    )
    const wrong = { name: 'b', shape: [2, 2], data: () => new Float32Array(3) }
    const failure = writeSafetensors(path, [tensor('a', [1]), wrong])
    await expect(failure).rejects.toThrow("'b' must be 4 numbers, as its shape [2, 2] says, but got 3.")
    await expect(failure).rejects.toBeInstanceOf(ArgumentError)
    expect(await readdir(folder)).toEqual([])
  })
})

async function fileWith(bytes: Buffer): Promise<string> {
  const path = newPath()
  await writeFile(path, bytes)
  return path
}

const bitsOf = (values: Float32Array) => new Uint32Array(values.slice().buffer)

/** The 16-bit elements of a tensor as they lie in the file. */
async function rawElements(path: string, name: string): Promise<Uint16Array> {
  const file = await openSafetensors(path)
  const { begin, end } = file.tensors.get(name) as unknown as { begin: number; end: number }
  await file.close()
  const handle = await open(path, 'r')
  const bytes = new Uint8Array(end - begin)
  const header = Buffer.alloc(8)
  await handle.read(header, 0, 8, 0)
  await handle.read(bytes, 0, bytes.length, 8 + Number(header.readBigUInt64LE()) + begin)
  await handle.close()
  return new Uint16Array(bytes.buffer)
}
