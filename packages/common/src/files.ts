import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { FileSystemError } from './errors'

/** Options of {@link writeDirectory}. */
export interface WriteDirectoryOptions {
  /** The public function to name in errors. */
  caller: string
  /** Replace a directory that is there and not empty. Default false. */
  overwrite?: boolean
  /** A file that says that a directory is of the kind that may be replaced. Default: any may be. */
  marker?: string
}

/**
 * Writes a directory so that it is either whole or absent: `fill` writes into a temporary sibling,
 * its files are synced, and only then does it take its final name. A failure (no space left, a
 * crash, an abort) leaves whatever was there before untouched.
 *
 * @param directory The final path.
 * @param fill Writes the files into the temporary directory that it is given.
 * @throws FileSystemError if the directory is not empty and `overwrite` is not set or it lacks the `marker`, if it is a
 *   file, or if writing fails.
 */
export async function writeDirectory(
  directory: string,
  fill: (temporary: string) => Promise<void>,
  { caller, overwrite = false, marker }: WriteDirectoryOptions,
): Promise<void> {
  const target = resolve(directory)
  const present = await filesIn(target).catch((error: unknown) => {
    throw describeWriteFailure(error, { caller, directory })
  })
  if (present.length > 0 && !overwrite) {
    throw new FileSystemError({
      function: caller,
      argument: 'directory',
      expected: 'a new or empty directory',
      received: `'${directory}', which has files in it`,
      remedy: 'Choose another directory, or pass { overwrite: true } to replace it.',
    })
  }
  if (present.length > 0 && marker !== undefined && !present.includes(marker)) {
    throw new FileSystemError({
      function: caller,
      argument: 'directory',
      expected: `a directory that is empty or has ${marker} in it, to replace it`,
      received: `'${directory}', which has other files in it`,
      remedy: 'Choose another directory: this one seems to hold something else, which would be lost.',
    })
  }
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`)
  try {
    await mkdir(temporary, { recursive: true })
    await fill(temporary)
    await syncTree(temporary)
    await replace(temporary, target)
    // The name itself must survive a loss of power too. Windows cannot open directories, and syncs names by itself.
    if (process.platform !== 'win32') await sync(dirname(target))
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw describeWriteFailure(error, { caller, directory })
  }
}

/** Turns a system error of a write into a typed one with a remedy; passes any other error through. */
export function describeWriteFailure(
  error: unknown,
  { caller, directory }: { caller: string; directory: string },
): unknown {
  const code = (error as NodeJS.ErrnoException | null | undefined)?.code
  const remedies: Record<string, string> = {
    ENOSPC: 'Free some disk space and call it again; nothing that was there before has been changed.',
    EDQUOT: 'Your disk quota is used up: free some space and call it again.',
    EACCES: 'Choose a directory that this process may write to.',
    EPERM: 'Choose a directory that this process may write to.',
    EROFS: 'Choose a directory on a disk that is not read-only.',
    ENOTDIR: 'Choose a path that is not a file, nor below one.',
    EEXIST: 'Choose a path that is not a file.',
  }
  const remedy = code === undefined ? undefined : remedies[code]
  if (remedy === undefined) return error
  return new FileSystemError({
    function: caller,
    argument: 'directory',
    expected: 'writable',
    received: `${code} at '${directory}'`,
    remedy,
    cause: error,
  })
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function syncTree(directory: string): Promise<void> {
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name)
    if (!(await stat(path)).isFile()) continue
    await sync(path)
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Renames over an existing directory by moving the old one aside first, so that one of them always stands. */
async function replace(temporary: string, target: string): Promise<void> {
  const aside = `${temporary}.old`
  let moved = false
  try {
    await rename(target, aside)
    moved = true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  try {
    await rename(temporary, target)
  } catch (error) {
    if (moved) await rename(aside, target)
    throw error
  }
  await rm(aside, { recursive: true, force: true })
}
