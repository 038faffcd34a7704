import type { SourceFile } from '../weights/source-file'

/** A stored (not compressed) entry of a zip file. */
export interface ZipEntry {
  /** Bytes. */
  readonly size: number
  /** Where its local header starts. */
  readonly header: number
}

/** Beyond this a directory is taken for hostile: a checkpoint of a million tensors needs less. */
const maximumDirectoryBytes = 100_000_000

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
}
const sizes = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 }
const maximumComment = 0xffff
/** Stands for: see the ZIP64 fields. */
const moved16 = 0xffff
const moved32 = 0xffffffff

/**
 * Reads the directory of a zip file, ZIP64 included (PKWARE's APPNOTE.TXT, 4.3). Entries are not read.
 *
 * @throws CheckpointError if it is malformed, lists bytes beyond the file, or an entry is compressed or encrypted.
 */
export async function readZipDirectory(file: SourceFile): Promise<Map<string, ZipEntry>> {
  const { count, bytes, position } = await findDirectory(file)
  if (bytes > maximumDirectoryBytes || position + bytes > file.size || count * sizes.central > bytes) {
    throw file.corrupt({
      expected: 'a zip file whose directory lies within it',
      received: `${count} entries in ${bytes} bytes at ${position} of ${file.size}`,
    })
  }
  const directory = new DataView(new ArrayBuffer(bytes))
  await file.read(new Uint8Array(directory.buffer), position)
  const entries = new Map<string, ZipEntry>()
  for (let index = 0, at = 0; index < count; index++) {
    const entry = readEntry(file, directory, at)
    if (entries.has(entry.name)) {
      throw file.corrupt({ expected: 'a zip file without repeated names', received: `'${entry.name}' twice` })
    }
    entries.set(entry.name, { size: entry.size, header: entry.header })
    at = entry.next
  }
  return entries
}

/** Where the bytes of an entry start. @throws CheckpointError if they reach beyond the file. */
export async function dataPosition(file: SourceFile, { size, header }: ZipEntry): Promise<number> {
  if (header + sizes.local > file.size) throw outside(file)
  const view = new DataView(new ArrayBuffer(sizes.local))
  await file.read(new Uint8Array(view.buffer), header)
  const position = header + sizes.local + view.getUint16(26, true) + view.getUint16(28, true)
  if (view.getUint32(0, true) !== signatures.local || position + size > file.size) throw outside(file)
  return position
}

async function findDirectory(file: SourceFile): Promise<{ count: number; bytes: number; position: number }> {
  const length = Math.min(file.size, sizes.end + maximumComment)
  const start = file.size - length
  const view = new DataView(new ArrayBuffer(length))
  await file.read(new Uint8Array(view.buffer), start)
  let at = length - sizes.end
  // The last record whose comment ends with the file.
  while (at >= 0 && !(view.getUint32(at, true) === signatures.end && endsFile(view, at))) at--
  if (at < 0) {
    throw file.corrupt({ expected: 'a zip file with a directory at its end', received: 'none' })
  }
  const count = view.getUint16(at + 10, true)
  const bytes = view.getUint32(at + 12, true)
  const position = view.getUint32(at + 16, true)
  if (count !== moved16 && bytes !== moved32 && position !== moved32) return { count, bytes, position }
  return readEnd64(file, start + at - sizes.locator64)
}

function endsFile(view: DataView, at: number): boolean {
  return at + sizes.end + view.getUint16(at + 20, true) === view.byteLength
}

async function readEnd64(
  file: SourceFile,
  locator: number,
): Promise<{ count: number; bytes: number; position: number }> {
  const wrong = () =>
    file.corrupt({ expected: 'a zip file with ZIP64 records where it says so', received: 'none' })
  const view = new DataView(new ArrayBuffer(sizes.end64))
  if (locator < 0) throw wrong()
  await file.read(new Uint8Array(view.buffer, 0, sizes.locator64), locator)
  if (view.getUint32(0, true) !== signatures.locator64) throw wrong()
  const end = Number(view.getBigUint64(8, true))
  if (end + sizes.end64 > file.size) throw wrong()
  await file.read(new Uint8Array(view.buffer), end)
  if (view.getUint32(0, true) !== signatures.end64) throw wrong()
  const field = (offset: number) => Number(view.getBigUint64(offset, true))
  return { count: field(32), bytes: field(40), position: field(48) }
}

function readEntry(
  file: SourceFile,
  view: DataView,
  at: number,
): ZipEntry & { readonly name: string; readonly next: number } {
  const wrong = () =>
    file.corrupt({ expected: 'a zip file with a whole directory', received: 'a damaged entry' })
  if (at + sizes.central > view.byteLength || view.getUint32(at, true) !== signatures.central) throw wrong()
  const nameEnd = at + sizes.central + view.getUint16(at + 28, true)
  const extraEnd = nameEnd + view.getUint16(at + 30, true)
  const next = extraEnd + view.getUint16(at + 32, true)
  if (next > view.byteLength) throw wrong()
  const name = new TextDecoder().decode(
    new Uint8Array(view.buffer, at + sizes.central, nameEnd - at - sizes.central),
  )
  const isEncrypted = (view.getUint16(at + 8, true) & 1) !== 0
  const isStored = view.getUint16(at + 10, true) === 0
  if (!isStored || isEncrypted) {
    throw file.corrupt({
      expected: 'a zip file as torch.save writes it, not compressed',
      received: `'${name}' ${isEncrypted ? 'encrypted' : 'compressed'}`,
    })
  }
  let size = view.getUint32(at + 24, true)
  let header = view.getUint32(at + 42, true)
  if (size === moved32 || header === moved32) {
    // In this order, and only those that did not fit: size, compressed size, position.
    let field = findZip64(view, nameEnd, extraEnd)
    const take = () => {
      if (field === undefined || field + 8 > extraEnd) throw wrong()
      field += 8
      return Number(view.getBigUint64(field - 8, true))
    }
    if (size === moved32) size = take()
    if (view.getUint32(at + 20, true) === moved32) take()
    if (header === moved32) header = take()
  }
  if (header + sizes.local + size > file.size) throw outside(file)
  return { name, size, header, next }
}

/** Where the fields of the ZIP64 extra start. */
function findZip64(view: DataView, begin: number, end: number): number | undefined {
  for (let at = begin; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) === 1) return at + 4
  }
  return undefined
}

function outside(file: SourceFile): Error {
  return file.corrupt({
    expected: 'a zip file whose entries lie within it',
    received: `one beyond its ${file.size} bytes`,
  })
}
