import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

/** A checkpoint in an npm package: its files lie beside package.json. */
export interface InstalledPackage {
  readonly directory: string
  readonly version: string
}

/**
 * Finds a package as the script that runs would, then as the current directory would, then as tfx itself would:
 * in a workspace they differ.
 */
export async function findPackage(name: string): Promise<InstalledPackage | undefined> {
  if (!/^(@[\w.-]+\/)?[\w][\w.-]*$/.test(name)) return undefined
  const script = process.argv[1]
  const places = [
    ...(script === undefined ? [] : [resolve(script)]),
    join(process.cwd(), 'index.js'),
    import.meta.url,
  ]
  for (const from of places) {
    // Not `resolve`: a package of data alone exports nothing.
    for (const folder of createRequire(from).resolve.paths(name) ?? []) {
      const directory = join(folder, name)
      const version = await versionOf(directory)
      if (version !== undefined) return { directory, version }
    }
  }
  return undefined
}

/** The version, if the directory is a package with a checkpoint. */
async function versionOf(directory: string): Promise<string | undefined> {
  try {
    await readFile(join(directory, 'config.json'))
    const { version } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
      version?: unknown
    }
    return typeof version === 'string' ? version : ''
  } catch {
    return undefined
  }
}
