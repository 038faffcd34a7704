// What several scripts need to know about the repository.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('..', import.meta.url))

/** The package.json of each package, with its `directory`. */
export const packages = readdirSync(join(repository, 'packages'))
  .map((name) => join(repository, 'packages', name))
  .map((directory) => ({ ...readJson(join(directory, 'package.json')), directory }))

/** Those that go to the registry. */
export const publishable = packages.filter((manifest) => !manifest.private)

/** Packs every publishable package into a new, ignored folder and returns name → tarball. */
export function packAll(folder) {
  const destination = emptyFolder(folder)
  const { packageManager } = readJson(join(repository, 'package.json'))
  const filters = publishable.map(({ name }) => `--filter=${name}`)
  run('npx', ['--yes', packageManager, '--recursive', ...filters, 'pack', '--pack-destination', destination])
  return Object.fromEntries(
    publishable.map(({ name, version }) => {
      return [name, join(destination, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)]
    }),
  )
}

/** Makes `output/<name>` anew: ignored by git, inside the repository so that its modules resolve. */
export function emptyFolder(name) {
  const folder = join(repository, 'output', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Runs a command, by default at the root; returns its output, or throws with it if the command failed. */
export function run(command, parameters, { cwd = repository, env = {}, silentErrors = false } = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, parameters, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, CI: 'true', NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
    maxBuffer: 2 ** 26,
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  })
  if (error !== undefined || status !== 0 || (silentErrors && stderr !== '')) {
    const problem = error?.message ?? (status === 0 ? 'wrote to stderr' : `exited with ${status}`)
    throw new Error(`'${[command, ...parameters].join(' ')}' ${problem}\n${stdout}${stderr}`)
  }
  return stdout
}

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
