import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DataError } from '@tfx/common'

/**
 * The text of a file, chunk by chunk: unzipped if its name ends in `.gz` (or `.GZ`), decoded as UTF-8, without a
 * byte order mark.
 *
 * @throws DataError if the file is missing, unreadable, corrupt, or not UTF-8.
 */
export async function* textOf(path: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of bytesOf(path)) yield decoder.decode(chunk as Buffer, { stream: true })
    yield decoder.decode()
  } catch (error) {
    throw describeReadFailure(error, path)
  }
}

function bytesOf(path: string): NodeJS.ReadableStream {
  const file = createReadStream(path)
  if (!path.toLowerCase().endsWith('.gz')) return file
  // Errors of either stream reach the reader, who iterates over the last one, so there is nothing to call back.
  return pipeline(file, createGunzip(), () => {})
}

const remedies: Record<string, { received: string; remedy: string }> = {
  ENOENT: {
    received: 'no such file',
    remedy: `Check the path; a relative one starts at the working directory.`,
  },
  ENOTDIR: { received: 'no such file', remedy: 'Check the path: one of its parents is a file.' },
  EISDIR: { received: 'a directory', remedy: 'Pass the path of a file in it.' },
  EACCES: { received: 'not readable by this process', remedy: 'Change its permissions, or copy it.' },
  EPERM: { received: 'not readable by this process', remedy: 'Change its permissions, or copy it.' },
  Z_DATA_ERROR: { received: 'not a gzip file', remedy: 'Remove .gz from its name, or download it again.' },
  Z_BUF_ERROR: { received: 'a truncated gzip file', remedy: 'Download it again.' },
  ERR_ENCODING_INVALID_ENCODED_DATA: {
    received: 'in another encoding',
    remedy: 'Save it as UTF-8; spreadsheets call that "CSV UTF-8".',
  },
}

function describeReadFailure(error: unknown, path: string): unknown {
  const known = remedies[(error as NodeJS.ErrnoException).code ?? '']
  if (known === undefined) return error
  const { received, remedy } = known
  return new DataError({
    function: 'readRows',
    argument: path,
    expected: 'a UTF-8 file that can be read',
    received,
    remedy,
    cause: error,
  })
}
