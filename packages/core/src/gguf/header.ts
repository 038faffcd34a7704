import type { GGMLQuantizationType as QuantizationType, GGUFParseOutput } from '@huggingface/gguf'
import { isTfxError } from '@tfx/common'
import { bytesPerElement, isReadableType, type SafetensorsType } from '../weights/number-formats'
import type { SourceFile } from '../weights/source-file'
import type { StoredTensor } from '../weights/weights-reader'
import { blockFormats } from './block-formats'

/** A value of the metadata; 64-bit numbers are bigint. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[]

/** A tensor's place: its first byte in the file. */
export interface GgufEntry extends StoredTensor {
  readonly elements: number
  readonly begin: number
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufEntry>
}

/** The parser takes what it is given beyond the file for zeros; two of its pieces let it reach the end. */
const parserPiece = 2_000_000
/** Bytes that the smallest tensor and the smallest key take in a header. */
const smallest = { tensor: 24, key: 13 }

/**
 * Reads and checks the header of a GGUF file by `@huggingface/gguf`.
 *
 * @throws CheckpointError if it is malformed or lists bytes beyond the file.
 */
export async function readGgufHeader(file: SourceFile): Promise<GgufHeader> {
  await requireCounts(file)
  // Not at the top: the library takes a third of a second to load.
  const { gguf, GGMLQuantizationType } = await import('@huggingface/gguf')
  let parsed: GGUFParseOutput
  try {
    // The name is never looked up: the parser asks for ranges by `fetch`, and gets them from the file that we
    // hold open. Left alone it would open the file for each piece, and read on in zeros where a length is forged.
    parsed = await gguf('http://file', { fetch: rangesOf(file) })
  } catch (cause) {
    if (isTfxError(cause)) throw cause
    throw file.corrupt({ expected: 'a GGUF file', received: (cause as Error).message, cause })
  }
  requireWhole(parsed, file)
  const tensors = new Map<string, GgufEntry>()
  const dataStart = Number(parsed.tensorDataOffset)
  for (const { name, shape, dtype, offset } of parsed.tensorInfos) {
    if (tensors.has(name)) {
      throw file.corrupt({
        expected: 'a GGUF file that names every tensor once',
        received: `'${name}' twice`,
      })
    }
    const type = GGMLQuantizationType[dtype] as keyof typeof QuantizationType | undefined
    if (type === undefined) {
      throw file.corrupt({ expected: 'a GGUF file of known types', received: `type ${dtype} of '${name}'` })
    }
    // GGML counts axes from the innermost.
    const entry = entryOf({
      dtype: type,
      shape: shape.map(Number).reverse(),
      begin: dataStart + Number(offset),
    })
    requireWithin(name, entry, file)
    tensors.set(name, entry)
  }
  return { metadata: new Map(Object.entries(parsed.metadata) as [string, GgufValue][]), tensors }
}

/** Forged numbers of tensors or keys would have the parser make as many. */
async function requireCounts(file: SourceFile): Promise<void> {
  const view = new DataView(new ArrayBuffer(24))
  if (file.size < view.byteLength) {
    throw file.corrupt({ expected: 'a GGUF file of at least 24 bytes', received: `${file.size} bytes` })
  }
  await file.read(new Uint8Array(view.buffer), 0)
  const version = view.getUint32(4, true)
  if (view.getUint32(0, false) !== 0x47475546 || (version !== 2 && version !== 3)) {
    throw file.corrupt({
      expected: 'a little-endian GGUF file of version 2 or 3',
      received: `the start ${Buffer.from(view.buffer, 0, 8).toString('hex')}`,
    })
  }
  const tensors = view.getBigUint64(8, true)
  const keys = view.getBigUint64(16, true)
  if (tensors * BigInt(smallest.tensor) + keys * BigInt(smallest.key) <= BigInt(file.size)) return
  throw file.corrupt({
    expected: `a GGUF file that holds its ${tensors} tensors and ${keys} keys`,
    received: `${file.size} bytes`,
  })
}

/** Answers requests for ranges from the file. */
function rangesOf(file: SourceFile): typeof fetch {
  return async (_, init) => {
    const range = new Headers(init?.headers).get('range') ?? ''
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
    const begin = Number(first)
    if (begin > file.size + parserPiece) {
      throw file.corrupt({ expected: 'a GGUF file that holds its header', received: `${file.size} bytes` })
    }
    const bytes = new Uint8Array(Math.max(0, Math.min(Number(last) + 1, file.size) - begin))
    await file.read(bytes, begin)
    return new Response(bytes, { headers: { 'content-range': `${range.replace('=', ' ')}/${file.size}` } })
  }
}

function requireWhole(parsed: GGUFParseOutput, file: SourceFile): void {
  const { metadata, tensorDataOffset, tensorInfoByteRange } = parsed
  const headerEnd = tensorInfoByteRange[1]
  const dataStart = Number(tensorDataOffset)
  // A file without tensors may end before the padding.
  const end = parsed.tensorInfos.length === 0 ? headerEnd : dataStart
  if (headerEnd > file.size || dataStart < headerEnd || end > file.size) {
    throw file.corrupt({
      expected: `a GGUF file that holds its header of ${Math.max(headerEnd, dataStart)} bytes`,
      received: `${file.size} bytes`,
    })
  }
  // The parser adds three keys of its own, and keeps the last of repeated ones.
  if (Object.keys(metadata).length !== Number(metadata.kv_count) + 3) {
    throw file.corrupt({ expected: 'a GGUF file that names every key once', received: 'repeated keys' })
  }
}

function entryOf(place: { dtype: string; shape: readonly number[]; begin: number }): GgufEntry {
  return { ...place, elements: place.shape.reduce((product, size) => product * size, 1) }
}

function requireWithin(name: string, entry: GgufEntry, file: SourceFile): void {
  const { dtype, shape, elements, begin } = entry
  const bytes = bytesOf(entry)
  if (begin + bytes > file.size || !Number.isSafeInteger(elements)) {
    throw file.corrupt({
      expected: `a GGUF file that holds the ${bytes} bytes of '${name}'`,
      received: `${file.size} bytes`,
    })
  }
  const block = blockFormats.get(dtype)?.elements ?? 1
  if ((shape.at(-1) ?? 1) % block !== 0) {
    throw file.corrupt({
      expected: `a GGUF file whose '${name}' has rows of whole blocks of ${block}`,
      received: `rows of ${shape.at(-1) ?? 1}`,
    })
  }
}

/** Of a type that is not read, no more is known than that it takes something. */
function bytesOf({ dtype, elements }: GgufEntry): number {
  const block = blockFormats.get(dtype)
  if (block) return (elements / block.elements) * block.bytes
  return isReadableType(dtype as SafetensorsType) ? elements * bytesPerElement[dtype as SafetensorsType] : 0
}
