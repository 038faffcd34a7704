import { randomUUID } from 'node:crypto'
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CheckpointError, describeWriteFailure, isTfxError, NetworkError } from '@tfx/common'
import { tokenizerFileNames } from '../tokenizer/load-tokenizer'
import { defaultCacheDirectory } from './cache-directory'
import { downloadFile } from './download'
import { hubEndpoint, hubRequest } from './hub-request'
import type { ResolveBaseOptions, ResolvedBase } from './resolve-base'

export type { DownloadProgress } from './download'

/** A repository at one commit. */
interface Snapshot {
  readonly commit: string
  readonly files: readonly string[]
}

interface HubOptions extends ResolveBaseOptions {
  /** Where else the base was looked for, for errors. */
  tried: readonly string[]
}

/** True for `owner/name`, and for the names without owner that old repositories have. */
export function isHubId(base: string): boolean {
  return /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/.test(base)
}

/**
 * Downloads what a checkpoint needs, once for each commit: files take their names when they are complete, and the
 * directory takes its name when all files are there. Without a network a commit that is there is used.
 */
export async function downloadFromHub(id: string, options: HubOptions): Promise<ResolvedBase> {
  const { cacheDirectory = defaultCacheDirectory(), revision = 'main' } = options
  const repository = join(cacheDirectory, 'hub', id.replace('/', '--'))
  const reference = join(repository, 'refs', encodeURIComponent(revision))
  let snapshot: Snapshot
  try {
    snapshot = await readSnapshot(id, revision, options)
  } catch (error) {
    // No network: what an earlier download found under this name still serves.
    const commit = error instanceof NetworkError ? await readText(reference) : undefined
    const directory = join(repository, commit ?? '')
    if (commit === undefined || !(await exists(directory))) throw error
    return { directory, source: `hub ${id} (cached ${commit.slice(0, 7)}; the hub could not be reached)` }
  }
  const { commit } = snapshot
  const directory = join(repository, commit)
  try {
    if (!(await exists(directory))) await downloadSnapshot(id, snapshot, { ...options, directory })
    await mkdir(dirname(reference), { recursive: true })
    await writeFile(reference, commit)
  } catch (error) {
    if (isTfxError(error)) throw error
    throw describeWriteFailure(error, { caller: 'resolveBase', directory: repository })
  }
  return { directory, source: `hub ${id} (${revision}, ${commit.slice(0, 7)})` }
}

async function readSnapshot(id: string, revision: string, { signal, tried }: HubOptions): Promise<Snapshot> {
  const path = `/api/models/${id}/revision/${encodeURIComponent(revision)}`
  const response = await hubRequest(path, { id, revision, tried, signal })
  const body: unknown = await response.json().catch(() => undefined)
  const { sha, siblings } = (body ?? {}) as { sha?: unknown; siblings?: unknown }
  const files = Array.isArray(siblings)
    ? siblings
        .map((sibling) => (sibling as { rfilename?: unknown }).rfilename)
        .filter((name) => typeof name === 'string')
    : undefined
  if (typeof sha === 'string' && /^[\w-]+$/.test(sha) && files) return { commit: sha, files }
  throw new NetworkError({
    function: 'resolveBase',
    argument: 'base',
    expected: `a repository of ${hubEndpoint()}`,
    received: 'an answer that is not from a Hugging Face hub',
    remedy: 'Check HF_ENDPOINT, and whether a proxy or login page stands between.',
  })
}

async function downloadSnapshot(
  id: string,
  { commit, files }: Snapshot,
  options: HubOptions & { directory: string },
): Promise<void> {
  const partial = `${options.directory}.partial`
  await mkdir(partial, { recursive: true })
  for (const file of filesToDownload(id, files)) {
    const target = join(partial, file)
    // Left by an earlier call that was interrupted.
    if (await exists(target)) continue
    const path = `/${id}/resolve/${commit}/${file}`
    const temporary = `${target}.${randomUUID()}.tmp`
    await downloadFile(path, temporary, { ...options, id, file })
    await rename(temporary, target)
  }
  try {
    await rename(partial, options.directory)
  } catch (error) {
    // Another process was faster; both downloaded the same commit.
    if (!(await exists(options.directory))) throw error
  }
}

/** The files of a checkpoint, weights last. @throws CheckpointError if there are no weights to download. */
function filesToDownload(id: string, files: readonly string[]): string[] {
  const weights = weightsOf(files)
  if (weights.length === 0 || !files.includes('config.json')) {
    const missing = files.includes('config.json') ? 'both kinds of weights' : 'config.json'
    throw new CheckpointError({
      function: 'resolveBase',
      argument: 'base',
      expected: 'a repository with config.json and model.safetensors or pytorch_model.bin',
      received: `'${id}', which lacks ${missing}`,
      remedy: 'Choose another repository: one for transformers with PyTorch.',
    })
  }
  const others = ['generation_config.json', ...tokenizerFileNames].filter((file) => files.includes(file))
  return ['config.json', ...others, ...weights]
}

/** The files of the best kind of weights that there is, whole before in shards. */
function weightsOf(files: readonly string[]): string[] {
  const kinds = [
    /^model\.safetensors$/,
    /^model(-\d+-of-\d+\.safetensors|\.safetensors\.index\.json)$/,
    /^pytorch_model\.bin$/,
    /^pytorch_model(-\d+-of-\d+\.bin|\.bin\.index\.json)$/,
  ]
  const found = kinds.map((kind) => files.filter((file) => kind.test(file)))
  return found.find((names) => names.length > 0) ?? []
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
