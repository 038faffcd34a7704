import { truncateSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs'

/** An entry of a zip file; what is not given is as torch.save writes it. */
export interface ZipPart {
  name: string
  data: Uint8Array
  /** Where the entry starts; the file is sparse up to there. Default: after the entry before. */
  at?: number
  method?: number
  flags?: number
  /** The size that the directory states. */
  size?: bigint
}

/** Writes a zip file with stored entries and, like PyTorch, ZIP64 records. */
export function writeZip(path: string, parts: readonly ZipPart[]): void {
  writeFileSync(path, '')
  const handle = openSync(path, 'r+')
  const directory: Buffer[] = []
  let position = 0
  for (const { name, data, at = position, method = 0, flags = 0, size = BigInt(data.length) } of parts) {
    const local = Buffer.alloc(30 + name.length)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(name.length, 26)
    local.write(name, 30)
    writeSync(handle, local, 0, local.length, at)
    writeSync(handle, data, 0, data.length, at + local.length)
    position = at + local.length + data.length
    const entry = Buffer.alloc(46 + name.length + 28, 0)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(flags, 8)
    entry.writeUInt16LE(method, 10)
    entry.writeUInt32LE(0xffffffff, 20)
    entry.writeUInt32LE(0xffffffff, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt16LE(28, 30)
    entry.writeUInt32LE(0xffffffff, 42)
    entry.write(name, 46)
    const extra = 46 + name.length
    entry.writeUInt16LE(1, extra)
    entry.writeUInt16LE(24, extra + 2)
    entry.writeBigUInt64LE(size, extra + 4)
    entry.writeBigUInt64LE(size, extra + 12)
    entry.writeBigUInt64LE(BigInt(at), extra + 20)
    directory.push(entry)
  }
  const bytes = Buffer.concat(directory)
  const end = Buffer.alloc(56 + 20 + 22)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(BigInt(parts.length), 32)
  end.writeBigUInt64LE(BigInt(bytes.length), 40)
  end.writeBigUInt64LE(BigInt(position), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(position + bytes.length), 64)
  end.writeUInt32LE(0x06054b50, 76)
  end.fill(0xff, 84, 96)
  writeSync(handle, Buffer.concat([bytes, end]), 0, bytes.length + end.length, position)
  closeSync(handle)
  truncateSync(path, position + bytes.length + end.length)
}

const textOf = (value: string) => {
  const bytes = Buffer.from(value)
  const head = Buffer.from([0x58, 0, 0, 0, 0])
  head.writeUInt32LE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

const longOf = (value: bigint) => {
  const bytes = Buffer.alloc(10)
  bytes[0] = 0x8a
  bytes[1] = 8
  bytes.writeBigInt64LE(value, 2)
  return bytes
}

/** Opcodes of protocol 2. */
export const pickle = {
  text: textOf,
  integer: longOf,
  raw: (...bytes: (number | string)[]) =>
    Buffer.concat(
      bytes.map((byte) => (typeof byte === 'string' ? Buffer.from(byte, 'latin1') : Buffer.from([byte]))),
    ),
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  tuple: (...items: Uint8Array[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]),
  call: (callable: Uint8Array, ...values: Uint8Array[]) =>
    Buffer.concat([callable, pickle.tuple(...values), Buffer.from('R')]),
  dictionary: (entries: Record<string, Uint8Array>) =>
    Buffer.concat([
      Buffer.from('}('),
      ...Object.entries(entries).flatMap(([key, value]) => [textOf(key), value]),
      Buffer.from('u'),
    ]),
  /** The whole pickle of a value. */
  of: (value: Uint8Array) => Buffer.concat([Buffer.from([0x80, 2]), value, Buffer.from('.')]),
}

/** A view of a storage, as `_rebuild_tensor_v2` makes it. */
export interface View {
  key?: string
  type?: string
  elements: number | bigint
  offset?: number | bigint
  shape: readonly (number | bigint)[]
  strides: readonly (number | bigint)[]
}

/** The pickle of a tensor. */
export function tensorOf({
  key = '0',
  type = 'FloatStorage',
  elements,
  offset = 0,
  shape,
  strides,
}: View): Buffer {
  const integers = (values: readonly (number | bigint)[]) =>
    pickle.tuple(...values.map((value) => longOf(BigInt(value))))
  const storage = pickle.tuple(
    textOf('storage'),
    pickle.global('torch', type),
    textOf(key),
    textOf('cpu'),
    longOf(BigInt(elements)),
  )
  return pickle.call(
    pickle.global('torch._utils', '_rebuild_tensor_v2'),
    Buffer.concat([storage, Buffer.from('Q')]),
    longOf(BigInt(offset)),
    integers(shape),
    integers(strides),
    Buffer.from([0x89]),
    pickle.call(pickle.global('collections', 'OrderedDict')),
  )
}
