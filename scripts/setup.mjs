// Makes a fresh checkout ready on a machine that has only Node and npm: the pinned pnpm through npx, the
// locked dependencies, the build. Uses nothing but Node, and skips what is already done.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const { packageManager, engines } = JSON.parse(readFileSync('package.json', 'utf8'))
const stamp = 'node_modules/.tfx-setup'

const oldest = Number(engines.node.replace('>=', ''))
if (Number.parseInt(process.versions.node) < oldest) {
  stop(`tfx needs Node ${oldest} or newer, but this is ${process.versions.node}. Install a newer Node.`)
}

const locked = createHash('sha256')
  .update(packageManager)
  .update(readFileSync('pnpm-lock.yaml'))
  .digest('hex')
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === locked) {
  say('dependencies are installed')
} else {
  say(`installing the locked dependencies with ${packageManager} (through npx; no install script runs)`)
  pnpm('install', '--frozen-lockfile')
  writeFileSync(stamp, locked)
}
say('building the packages (what has not changed comes from the cache)')
pnpm('exec', 'turbo', 'run', 'build', '--output-logs=errors-only')
say('ready')

function pnpm(...parameters) {
  const { status, error } = spawnSync('npx', ['--yes', packageManager, ...parameters], {
    stdio: ['ignore', 'inherit', 'inherit'],
    // Without CI, pnpm would ask before it replaces a node_modules that another tool made.
    // `npm --silent` is not meant to hide why an install failed.
    env: {
      ...process.env,
      CI: 'true',
      npm_config_loglevel: undefined,
      TURBO_TELEMETRY_DISABLED: '1',
      TURBO_NO_UPDATE_NOTIFIER: '1',
    },
    // On Windows npx is a command script.
    shell: process.platform === 'win32',
  })
  if (status !== 0)
    stop(`'pnpm ${parameters.join(' ')}' failed${error ? `: ${error.message}` : '; see above'}.`)
}

function say(message) {
  console.log(`setup: ${message}`)
}

function stop(message) {
  console.error(`setup: ${message}`)
  process.exit(1)
}
