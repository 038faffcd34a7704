// Installs the packed packages with npm into a new project, as a user would, and uses them from there: as ES
// modules, from CommonJS, by dynamic import, in threads and from TypeScript. Nothing may be written to stderr.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packAll, publishable, readJson, repository, run } from '../scripts/workspace.mjs'

const tarballs = packAll('e2e')
const project = mkdtempSync(join(tmpdir(), 'tfx-consumer-'))
try {
  installInto(project)
  for (const consumer of ['esm.mjs', 'commonjs.cjs', 'dynamic.cjs', 'thread.cjs', 'thread-exit.mjs']) {
    report(consumer, run(process.execPath, [consumer], { cwd: project, silentErrors: true }))
  }
  // The same program as an ES module and as CommonJS: each reads its own declarations.
  cpSync(join(project, 'types.mts'), join(project, 'types.cts'))
  const compiler = join(project, 'node_modules', 'typescript', 'bin', 'tsc')
  run(process.execPath, [compiler, '--project', project], { cwd: project })
  report('types.mts and .cts', 'compile, and every wrong call in them is refused')
} finally {
  rmSync(project, { recursive: true, force: true })
}

function installInto(folder) {
  cpSync(fileURLToPath(new URL('consumer', import.meta.url)), folder, { recursive: true })
  const fromTarballs = Object.fromEntries(
    Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]),
  )
  const { typescript, '@types/node': nodeTypes } = readJson(join(repository, 'package.json')).devDependencies
  const manifest = {
    private: true,
    dependencies: { ...fromTarballs, typescript, '@types/node': nodeTypes },
    // The packages depend on each other: none of them may come from the registry.
    overrides: Object.fromEntries(Object.keys(fromTarballs).map((name) => [name, `$${name}`])),
    codePackages: publishable.filter(({ main }) => main !== undefined).map(({ name }) => name),
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2))
  // onnxruntime-node's install script would download CUDA libraries where it finds a CUDA toolkit.
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts']
  run('npm', ['install', ...quiet], { cwd: folder, env: { ONNXRUNTIME_NODE_INSTALL: 'skip' } })
}

function report(consumer, output) {
  console.log(`${consumer}: ${output.trim()}`)
}
