import { cpSync, existsSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointError, sizeOf } from '@tfx/common'
import { fixturePath } from '@tfx/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadCheckpoint, openSafetensors, openTorchFile } from '../src/index'
import { allowedGlobals } from '../src/torch-file/torch-host'
import { pickle, tensorOf, type View, writeZip, type ZipPart } from './torch-files'

const fixture = (name: string) => fixturePath(`core/weights/${name}`)

let directory: string
let counter = 0
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tfx-torch-'))
})
const newPath = () => join(directory, `${counter++}.bin`)

const floats = (values: ArrayLike<number>) => new Uint8Array(Float32Array.from(values).buffer)

/** A zip file with this pickle, and storage '0'. */
function fileOf(
  value: Uint8Array,
  storage: Uint8Array = floats([0, 1, 2, 3, 4, 5]),
  more: ZipPart[] = [],
): string {
  const path = newPath()
  writeZip(path, [{ name: 'model/data.pkl', data: value }, { name: 'model/data/0', data: storage }, ...more])
  return path
}

const fileOfView = (view: View, storage?: Uint8Array) =>
  fileOf(pickle.of(pickle.dictionary({ x: tensorOf(view) })), storage)

describe('openTorchFile', () => {
  it.each(['torch-zip.bin', 'torch-legacy.bin'])('reads what PyTorch reads from %s', async (name) => {
    const file = await openTorchFile(fixture(name))
    const expected = await openSafetensors(fixture('torch-expected.safetensors'))
    for (const [tensor, { shape }] of expected.tensors) {
      expect(file.tensors.get(tensor)?.shape, tensor).toEqual(shape)
      expect(await file.read(tensor), tensor).toEqual(await expected.read(tensor))
    }
    const types = { position_ids: 'I64', flags: 'BOOL', int32: 'I32', int16: 'I16', int8: 'I8', uint8: 'U8' }
    expect(file.tensors.size).toBe(expected.tensors.size + Object.keys(types).length)
    for (const [tensor, dtype] of Object.entries(types)) expect(file.tensors.get(tensor)?.dtype).toBe(dtype)
    expect(file.tensors.get('half_transposed')).toEqual({ dtype: 'F16', shape: [3, 4] })
    expect([...file.tensors.keys()].slice(0, 3)).toEqual(['single', 'double', 'half'])
    expect(await file.read('tied')).toEqual(await file.read('weight'))
    await expect(file.read('position_ids')).rejects.toThrow(/has floating-point numbers .* but got I64/)
    await expect(file.read('absent')).rejects.toThrow(/the tensor 'absent', but got one without it/)
    await expect(file.readInto('scalar', new Float32Array(2))).rejects.toThrow(/must be 1 elements/)
    await Promise.all([file.close(), expected.close()])
  })

  it('takes a name like __proto__ for a name', async () => {
    const file = await openTorchFile(fixture('torch-zip.bin'))
    expect([...(await file.read('__proto__'))]).toEqual([1, 1])
    expect(Object.prototype).not.toHaveProperty('shape')
    await file.close()
  })

  it('reads shards as one file', async () => {
    const file = await openTorchFile(fixture('torch-sharded/pytorch_model.bin.index.json'))
    expect([...file.tensors.keys()]).toEqual(['first', 'second'])
    expect([...(await file.read('second'))]).toEqual([0, 1, 2, 3, 4, 5])
    await file.close()
  })

  it('reads any slice of any permutation as naive indexing does', async () => {
    const axis = fc.record({
      size: fc.integer({ min: 1, max: 5 }),
      first: fc.nat(4),
      step: fc.integer({ min: 1, max: 3 }),
    })
    const views = fc.tuple(
      fc.array(axis, { maxLength: 4 }),
      fc.array(fc.nat(100), { minLength: 4, maxLength: 4 }),
      fc.nat(5),
    )
    await fc.assert(
      fc.asyncProperty(views, async ([axes, keys, before]) => {
        const strides = axes.map((_, index) => sizeOf(axes.slice(index + 1).map(({ size }) => size)))
        const elements = before + sizeOf(axes.map(({ size }) => size))
        const cut = axes.map(({ size, first, step }, index) => {
          const start = first % size
          return {
            size: Math.ceil((size - start) / step),
            stride: strides[index]! * step,
            start: start * strides[index]!,
          }
        })
        const order = cut.map((part, index) => ({ part, key: keys[index]! })).sort((a, b) => a.key - b.key)
        const shape = order.map(({ part }) => part.size)
        const view = {
          elements,
          offset: cut.reduce((sum, { start }) => sum + start, before),
          shape,
          strides: order.map(({ part }) => part.stride),
        }
        const expected = Float32Array.from(
          { length: sizeOf(shape) },
          (_, flat) =>
            shape.reduceRight(
              ([rest, position], size, index) =>
                [Math.floor(rest / size), position + (rest % size) * view.strides[index]!] as const,
              [flat, view.offset] as const,
            )[1],
        )
        const file = await openTorchFile(
          fileOfView(view, floats(Array.from({ length: elements }, (_, index) => index))),
        )
        expect(await file.read('x')).toEqual(expected)
        await file.close()
      }),
      { numRuns: 100 },
    )
  })

  it('reads a transposed tensor that is larger than its buffer', async () => {
    const [rows, columns] = [700, 900]
    const storage = floats(Array.from({ length: rows * columns }, (_, index) => index))
    const file = await openTorchFile(
      fileOfView({ elements: rows * columns, shape: [columns, rows], strides: [1, columns] }, storage),
    )
    const values = await file.read('x')
    expect(
      values.every((value, index) => value === (index % rows) * columns + Math.floor(index / rows)),
    ).toBe(true)
    await file.close()
  })

  it('reads beyond 4 GB', async () => {
    const path = newPath()
    writeZip(path, [
      { name: 'model/data/0', data: floats([7, 8]) },
      { name: 'model/data/1', data: floats([5, 6]), at: 5 * 2 ** 30 },
      {
        name: 'model/data.pkl',
        data: pickle.of(
          pickle.dictionary({
            near: tensorOf({ elements: 2, shape: [2], strides: [1] }),
            far: tensorOf({ key: '1', elements: 2, shape: [2], strides: [1] }),
          }),
        ),
        at: 6 * 2 ** 30,
      },
    ])
    expect((await stat(path)).size).toBeGreaterThan(6 * 2 ** 30)
    const file = await openTorchFile(path)
    expect([...(await file.read('far')), ...(await file.read('near'))]).toEqual([5, 6, 7, 8])
    await file.close()
    await truncate(path, 0)
  })

  it('executes nothing', async () => {
    const mark = join(directory, 'executed')
    for (const [module, name] of [
      ['os', 'system'],
      ['posix', 'system'],
      ['builtins', 'eval'],
      ['builtins', 'exec'],
      ['subprocess', 'Popen'],
      ['torch', 'load'],
    ] as const) {
      const path = fileOf(pickle.of(pickle.call(pickle.global(module, name), pickle.text(`touch ${mark}`))))
      await expect(openTorchFile(path)).rejects.toThrow(
        `must be a file that torch.save wrote of nothing but tensors, but got the global '${module}.${name}'. Nothing of it was run.`,
      )
    }
    expect(existsSync(mark)).toBe(false)
    expect(allowedGlobals).toHaveLength(15)
  })

  const zip = (parts: ZipPart[]) => {
    const path = newPath()
    writeZip(path, parts)
    return path
  }
  const data = { name: 'model/data.pkl', data: pickle.of(pickle.dictionary({})) }
  const bytes = async (content: string | Uint8Array) => {
    const path = newPath()
    await writeFile(path, content)
    return path
  }
  const cut = async (name: string, size: number) => bytes((await readFile(fixture(name))).subarray(0, size))
  const value = (...parts: (number | string)[]) => fileOf(pickle.of(pickle.raw(...parts)))

  const refused: [string, () => string | Promise<string>, RegExp][] = [
    ['is missing', () => newPath(), /must be a file that can be read, but got ENOENT/],
    ['is a directory', () => directory, /must be a file that can be read, but got EISDIR/],
    ['is empty', () => bytes(''), /wrote, but got one that starts with the bytes ''\. Download it again/],
    ['is a pointer of Git LFS', () => bytes('version https://'), /bytes '76657273'.*Git LFS/],
    [
      'nests its weights',
      () => fixture('torch-nested.bin'),
      /from names to tensors, but got a dictionary under 'model'\. Save the weights alone in Python: torch\.save\(torch\.load\(file\)\['model'\]/,
    ],
    ['is a module', () => fixture('torch-module.bin'), /the global 'torch\.nn\.modules\.linear\.Linear'/],
    [
      'has an expanded tensor',
      () => fixture('torch-expanded.bin'),
      /strides \[0\], which takes elements twice/,
    ],
    [
      'has a view that negates',
      () => fixture('torch-negated.bin'),
      /a tensor with metadata, which change its values/,
    ],
    ['is a list', () => value(']'), /from names to tensors, but got another object/],
    ['has a number', () => value('}', 'X\x01\0\0\0a', 'K', 1, 's'), /a number under 'a'/],
    ['has a number for a name', () => value('}', 'K', 1, 'N', 's'), /None under a key that is a number/],
    ['has protocol 4', () => fileOf(pickle.raw(0x80, 4, 0x95)), /a pickle of protocol 4, not 2/],
    ['has an unknown opcode', () => value(0xfe), /the opcode 0xfe at byte 2/],
    ['makes an object', () => value(')', ')', 0x81), /the opcode NEWOBJ \(0x81\) at byte 4/],
    ['has a text for an instance', () => value('i'), /the opcode INST \(0x69\)/],
    ['takes from nothing', () => value('R'), /takes more than there is/],
    ['takes past a mark', () => value('}', '(', 's'), /takes more than there is/],
    ['misses a mark', () => value('t'), /misses a mark/],
    ['remembers nothing', () => value('h', 9), /refers to nothing/],
    ['appends to a dictionary', () => value('}', 'N', 'a'), /appends to what is no list/],
    ['sets items of a list', () => value(']', 'N', 'N', 's'), /sets items of what is no dictionary/],
    ['sets half an item', () => value('}', '(', 'N', 'u'), /sets items/],
    [
      'sets attributes of a text',
      () => value('X\0\0\0\0', 'N', 'b'),
      /sets attributes of what is no dictionary/,
    ],
    ['calls a dictionary', () => value('}', ')', 'R'), /calls what is no function/],
    ['calls a storage', () => value('ctorch\nFloatStorage\n', ')', 'R'), /a call of 'torch\.FloatStorage'/],
    ['has a name without end', () => value('c', 'x'.repeat(400)), /a name that does not end/],
    ['has a storage of nothing', () => value('N', 'Q'), /a persistent object that is no storage/],
    [
      'has a tensor of nothing',
      () => fileOf(pickle.of(pickle.call(pickle.global('torch._utils', '_rebuild_tensor_v2')))),
      /a tensor without a storage/,
    ],
    [
      'has a parameter of nothing',
      () => fileOf(pickle.of(pickle.call(pickle.global('torch._utils', '_rebuild_parameter')))),
      /a parameter without a tensor/,
    ],
    [
      'has a size of nothing',
      () => fileOf(pickle.of(pickle.call(pickle.global('torch', 'Size')))),
      /a torch\.Size without sizes/,
    ],
    [
      'fills an OrderedDict at once',
      () => fileOf(pickle.of(pickle.call(pickle.global('collections', 'OrderedDict'), pickle.raw(']')))),
      /an OrderedDict that is made of something/,
    ],
    ['does not end its pickle', () => fileOf(pickle.raw(0x80, 2, '}')), /a pickle that does not end/],
    ['has a text beyond its pickle', () => value('X\xff\xff\xff\x7f'), /a pickle that does not end/],
    [
      'has a storage of another size',
      () => fileOfView({ elements: 7, shape: [7], strides: [1] }),
      /holds the 28 bytes of storage '0', but got 24 bytes/,
    ],
    [
      'has no such storage',
      () => fileOfView({ key: '9', elements: 6, shape: [6], strides: [1] }),
      /of storage '9', but got no such entry/,
    ],
    [
      'has a huge storage',
      () => fileOfView({ elements: 2 ** 52, shape: [2 ** 50, 2], strides: [2, 1] }),
      /holds the 18014398509481984 bytes of storage/,
    ],
    [
      'has a tensor beyond its storage',
      () => fileOfView({ elements: 6, offset: 1, shape: [6], strides: [1] }),
      /ends at element 7 of a storage of 6/,
    ],
    [
      'has negative strides',
      () => fileOfView({ elements: 6, shape: [6], strides: [-1] }),
      /sizes are not whole numbers/,
    ],
    [
      'has strides of other axes',
      () => fileOfView({ elements: 6, shape: [6], strides: [] }),
      /another number of axes/,
    ],
    [
      'has overlapping rows',
      () => fileOfView({ elements: 6, shape: [2, 3], strides: [2, 1] }),
      /takes elements twice/,
    ],
    [
      'has an impossible empty shape',
      () => fileOfView({ elements: 6, shape: [2n ** 50n, 2n ** 50n, 0], strides: [1, 1, 1] }),
      /impossible shape/,
    ],
    [
      'has 65 axes',
      () => fileOfView({ elements: 6, shape: Array<number>(65).fill(1), strides: Array<number>(65).fill(1) }),
      /sizes are not whole numbers/,
    ],
    [
      'has a zip directory without end',
      () => cut('torch-zip.bin', 3000),
      /a directory at its end, but got none/,
    ],
    [
      'has no pickle',
      () => zip([{ ...data, name: 'model/other' }]),
      /a zip file with data\.pkl, but got none/,
    ],
    ['has a compressed entry', () => zip([{ ...data, method: 8 }]), /'model\/data\.pkl' compressed/],
    ['has an encrypted entry', () => zip([{ ...data, flags: 1 }]), /'model\/data\.pkl' encrypted/],
    ['has an entry beyond its end', () => zip([{ ...data, size: 2n ** 60n }]), /entries lie within it/],
    ['has an entry twice', () => zip([data, data]), /'model\/data\.pkl' twice/],
    [
      'is big-endian',
      () => zip([data, { name: 'model/byteorder', data: Buffer.from('big') }]),
      /the byte order 'big'/,
    ],
    ['is cut in its old pickles', () => cut('torch-legacy.bin', 300), /a pickle that does not end/],
    ['is cut in its old storages', () => cut('torch-legacy.bin', 3300), /holds the \d+ bytes of storage/],
  ]

  it.each(refused)('refuses a file that %s', async (_, make, message) => {
    const path = await make()
    const error = await openTorchFile(path).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as Error).message).toMatch(message)
    expect((error as CheckpointError).argument).toBe(path)
    expect((error as CheckpointError).remedy).toBeTruthy()
  })

  it('does not let a small pickle make a large object', async () => {
    // A text of a megabyte, remembered and put into 5,000 tuples of tuples: shared, not copied.
    const path = fileOf(
      pickle.of(
        pickle.raw(
          'X\0\0\x10\0',
          'x'.repeat(2 ** 20),
          'q',
          0,
          '0',
          ...Array<string>(5000).fill('h\0h\0\x86q\0'),
          '}',
        ),
      ),
    )
    const before = process.memoryUsage().rss
    const file = await openTorchFile(path)
    expect(file.tensors.size).toBe(0)
    await file.close()
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
  })
})

describe('loadCheckpoint', () => {
  async function directoryWith(...files: string[]): Promise<string> {
    const target = await mkdtemp(join(directory, 'bert-'))
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) {
      cpSync(fixturePath(`core/bert-classification/${name}`), join(target, name))
    }
    for (const file of files) await copyFile(file, join(target, file.split('/').at(-1)!))
    return target
  }
  const safetensors = fixturePath('core/bert-classification/model.safetensors')

  async function weightsOf(path: string): Promise<Map<string, Float32Array>> {
    const weights = new Map<string, Float32Array>()
    const checkpoint = await loadCheckpoint(path, { kind: 'encoder' })
    const report = await checkpoint.loadParameters('sequence-classification', {
      write: (name, values) => void weights.set(name, values),
    })
    expect(report).toMatchObject({ newlyInitialised: [], unexpected: [] })
    return weights
  }

  it('reads pytorch_model.bin as it reads model.safetensors', async () => {
    const weights = await weightsOf(await directoryWith(fixture('bert-torch/pytorch_model.bin')))
    expect(weights.size).toBeGreaterThan(30)
    expect(weights).toEqual(await weightsOf(fixturePath('core/bert-classification')))
  })

  it('prefers safetensors', async () => {
    const path = await directoryWith(safetensors)
    await writeFile(join(path, 'pytorch_model.bin'), 'never opened')
    expect((await weightsOf(path)).size).toBeGreaterThan(30)
  })
})
