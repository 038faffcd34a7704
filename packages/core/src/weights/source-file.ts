import { open } from 'node:fs/promises'
import { CheckpointError } from '@tfx/common'
import { bytesPerElement, decodeElements, type ReadableType } from './number-formats'

/** Bytes that one call of the system reads at most; the system's own limit is just under 2 GiB. */
const readBytes = 1 << 28
/** Elements that are converted at a time. */
export const chunkElements = 262_144

/** A file of weights that is open for reading. */
export interface SourceFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Fills the destination from a position. @throws CheckpointError if the file ends before. */
  read(destination: Uint8Array, position: number): Promise<void>
  close(): Promise<void>
  /** The error of a file that is not as its format demands. */
  corrupt(problem: { expected: string; received: string; cause?: unknown }): CheckpointError
}

/**
 * Opens a file.
 *
 * @param caller The public function, for errors.
 * @throws CheckpointError if it cannot be read.
 */
export async function openSource(path: string, caller: string): Promise<SourceFile> {
  let handle: Awaited<ReturnType<typeof open>> | undefined
  try {
    handle = await open(path, 'r')
    const stats = await handle.stat()
    if (stats.isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' })
    return sourceOf(handle, { path, caller, size: stats.size })
  } catch (cause) {
    await handle?.close()
    throw new CheckpointError({
      function: caller,
      argument: path,
      expected: 'a file that can be read',
      received: (cause as NodeJS.ErrnoException).code ?? 'an error',
      remedy: 'Check the path, and that this process may read it.',
      cause,
    })
  }
}

function sourceOf(
  handle: Awaited<ReturnType<typeof open>>,
  { path, caller, size }: { path: string; caller: string; size: number },
): SourceFile {
  const corrupt: SourceFile['corrupt'] = ({ expected, received, cause }) =>
    corruptFile(path, { caller, expected, received, cause })
  return {
    path,
    size,
    async read(destination, position) {
      for (let done = 0; done < destination.length;) {
        const length = Math.min(readBytes, destination.length - done)
        const { bytesRead } = await handle.read(destination, done, length, position + done)
        if (bytesRead === 0) {
          throw corrupt({ expected: 'a file that stays as it was opened', received: 'a shorter file' })
        }
        done += bytesRead
      }
    },
    close: () => handle.close(),
    corrupt,
  }
}

/** The error of a file that is not as its format demands. */
export function corruptFile(
  file: string,
  problem: { caller: string; expected: string; received: string; cause?: unknown },
): CheckpointError {
  const { caller, expected, received, cause } = problem
  return new CheckpointError({
    function: caller,
    argument: file,
    expected,
    received,
    remedy: 'The file is damaged or was not written completely: download or save it again.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Reads elements that lie one after the other, and converts them to float32. */
export async function readElements(
  file: SourceFile,
  { dtype, position }: { dtype: ReadableType; position: number },
  destination: Float32Array,
): Promise<void> {
  if (dtype === 'F32') {
    const bytes = new Uint8Array(destination.buffer, destination.byteOffset, destination.byteLength)
    return file.read(bytes, position)
  }
  const elementBytes = bytesPerElement[dtype]
  const buffer = new Uint8Array(Math.min(chunkElements, destination.length) * elementBytes)
  for (let first = 0; first < destination.length; first += chunkElements) {
    const target = destination.subarray(first, first + chunkElements)
    const bytes = buffer.subarray(0, target.length * elementBytes)
    await file.read(bytes, position + first * elementBytes)
    decodeElements(dtype, bytes, target)
  }
}
