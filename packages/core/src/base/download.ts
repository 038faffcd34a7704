import { open, rm } from 'node:fs/promises'
import { NetworkError, throwIfAborted } from '@tfx/common'
import { hubRequest, type HubRequest } from './hub-request'

/** How far the download of one file is. */
export interface DownloadProgress {
  readonly file: string
  /** Bytes so far. */
  readonly loaded: number
  /** Bytes of the whole file, where the server says. */
  readonly total?: number
}

interface DownloadOptions extends HubRequest {
  file: string
  onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/** A connection that breaks is taken up again this often without having brought a single byte. */
const attempts = 3

/**
 * Downloads one file of the hub. A connection that breaks is continued where it stopped.
 *
 * @param target A file that is this call's own; on failure it is removed.
 * @throws NetworkError if it does not come whole.
 */
export async function downloadFile(path: string, target: string, options: DownloadOptions): Promise<void> {
  const handle = await open(target, 'wx')
  let loaded = 0
  let total: number | undefined
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const headers = loaded > 0 ? { range: `bytes=${loaded}-` } : {}
      // Bytes of the file itself: a compressed answer could not be continued, nor its length compared.
      const response = await hubRequest(path, {
        ...options,
        headers: { 'accept-encoding': 'identity', ...headers },
      })
      if (response.status !== 206) loaded = 0
      total = totalOf(response, loaded)
      const before = loaded
      const ended = await readBody(response, async (chunk) => {
        await writeAt(handle, chunk, loaded)
        loaded += chunk.length
        options.onProgress?.({ file: options.file, loaded, ...(total === undefined ? {} : { total }) })
      })
      throwIfAborted(options.signal, 'resolveBase')
      if (ended && loaded === (total ?? loaded)) {
        await handle.truncate(loaded)
        await handle.sync()
        await handle.close()
        return
      }
      if (loaded > before) attempt = 0
    }
    throw incomplete(options, { loaded, total })
  } catch (error) {
    await handle.close().catch(() => undefined)
    await rm(target, { force: true })
    throw error
  }
}

type Handle = Awaited<ReturnType<typeof open>>

async function writeAt(handle: Handle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

function totalOf(response: Response, offset: number): number | undefined {
  const length = response.headers.get('content-length')
  return length === null ? undefined : Number(length) + offset
}

/** Passes on every chunk; false if the connection broke before the end. */
async function readBody(response: Response, take: (chunk: Uint8Array) => Promise<void>): Promise<boolean> {
  const reader = response.body?.getReader()
  for (;;) {
    let chunk: Uint8Array | undefined
    try {
      chunk = (await reader?.read())?.value
    } catch {
      return false
    }
    if (chunk === undefined) return true
    await take(chunk)
  }
}

function incomplete(
  { id, file }: DownloadOptions,
  { loaded, total }: { loaded: number; total: number | undefined },
): NetworkError {
  return new NetworkError({
    function: 'resolveBase',
    argument: 'base',
    received: `'${id}', whose file ${file} broke off after ${loaded} of ${total ?? 'unknown'} bytes, ${attempts} times`,
    remedy: 'Call it again: files that came whole are kept.',
  })
}
