import { stat } from 'node:fs/promises'
import { ArgumentError, CheckpointError, throwIfAborted } from '@tfx/common'
import { isHubId, downloadFromHub, type DownloadProgress } from './hub'
import { findPackage } from './installed-package'

/** Options of {@link resolveBase}. */
export interface ResolveBaseOptions {
  /** Where downloads are kept. Default: the environment variable TFX_CACHE, else `~/.cache/tfx`. */
  cacheDirectory?: string
  /** Branch, tag or commit of a hub repository. Default `main`. */
  revision?: string
  signal?: AbortSignal
  /** Told about a download several times a second. */
  onProgress?: (progress: DownloadProgress) => void
}

/** A base on this machine. */
export interface ResolvedBase {
  /** Ready for `loadCheckpoint`: a directory, or a GGUF file. */
  readonly directory: string
  /** Where it came from, for people: `directory ./my-model`, `package @tfx/base-encoder 1.0.0`, `hub …`. */
  readonly source: string
}

/**
 * Finds a base: a local directory or GGUF file, else an installed npm package, else a repository of the Hugging Face hub, which
 * is downloaded once. HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE are honoured.
 *
 * @param base For instance `./my-model`, `@tfx/base-encoder`, or `distilbert/distilbert-base-uncased`.
 * @throws CheckpointError if there is no such base, or it has neither safetensors nor PyTorch weights.
 * @throws NetworkError if the hub cannot be reached or refuses.
 * @throws AbortedError if the signal fires.
 *
 * @example
 * ```ts
 * const { directory } = await resolveBase('@tfx/base-encoder')
 * const checkpoint = await loadCheckpoint(directory)
 * ```
 */
export async function resolveBase(base: string, options: ResolveBaseOptions = {}): Promise<ResolvedBase> {
  throwIfAborted(options.signal, 'resolveBase')
  if (typeof base !== 'string' || base.trim() === '') {
    throw new ArgumentError({
      function: 'resolveBase',
      argument: 'base',
      expected: 'a directory, an npm package or a hub id',
      received: typeof base === 'string' ? 'an empty string' : typeof base,
      remedy: "For instance '@tfx/base-encoder' or 'distilbert/distilbert-base-uncased'.",
    })
  }
  if (await isDirectory(base)) return { directory: base, source: `directory ${base}` }
  if (base.endsWith('.gguf') && (await isFile(base))) return { directory: base, source: `file ${base}` }
  const tried = [`the directory '${base}' (there is none)`]
  if (!isPath(base)) {
    const installed = await findPackage(base)
    if (installed) return { directory: installed.directory, source: `package ${base} ${installed.version}` }
    tried.push(`the npm package '${base}' (not installed)`)
    if (isHubId(base)) return downloadFromHub(base, { ...options, tried })
  }
  throw new CheckpointError({
    function: 'resolveBase',
    argument: 'base',
    expected: 'a directory, an installed npm package or a hub id (owner/name)',
    received: `'${base}'; tried ${tried.join(' and ')}`,
    remedy: base.startsWith('@')
      ? `Install the package (npm install ${base}), or correct the name.`
      : 'Correct the path or name.',
  })
}

/** Written as a path, so that nobody means a package or the hub. */
function isPath(base: string): boolean {
  return /^(\.{0,2}[\\/]|[A-Za-z]:[\\/]|\.{1,2}$|~)/.test(base)
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}
