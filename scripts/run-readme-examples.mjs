// Type-checks and runs every ```ts block of packages/*/README.md against the built packages. A block is a
// whole program unless it says ```ts no-run.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { emptyFolder, packages, repository, run } from './workspace.mjs'

const folder = emptyFolder('readme')
linkDependencies()
const examples = packages.flatMap(examplesOf)
const problems = typeErrors(examples.map(({ file }) => file))

for (const { file, origin } of examples) {
  const program = file.replace(/\.mts$/, '.mjs')
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: compilerOptions(),
  })
  writeFileSync(program, outputText)
  const workingDirectory = mkdtempSync(join(tmpdir(), 'tfx-readme-'))
  const started = performance.now()
  try {
    run(process.execPath, [program], { cwd: workingDirectory })
    console.log(`ran ${origin} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
  } catch (error) {
    problems.push(`${origin}: ${error.message}`)
  } finally {
    rmSync(workingDirectory, { recursive: true, force: true })
  }
}
if (examples.length === 0) problems.push('No README has an example.')
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}

/** Lets the examples import every package and whatever the packages depend on, as an application would. */
function linkDependencies() {
  for (const { name, directory } of packages) link(directory, name)
  for (const { directory, dependencies, peerDependencies } of packages) {
    for (const name of Object.keys({ ...dependencies, ...peerDependencies }))
      link(join(directory, 'node_modules', name), name)
  }
}

function link(target, name) {
  const path = join(folder, 'node_modules', name)
  if (existsSync(path)) return
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path, 'junction')
}

/** Writes each runnable block as a module, with as many empty lines before it as there are in the README. */
function examplesOf({ directory }) {
  const readme = join(directory, 'README.md')
  if (!existsSync(readme)) return []
  const text = readFileSync(readme, 'utf8')
  return [...text.matchAll(/^```ts[ \t]*(\S*)[ \t]*\r?\n(.*?)^```/gms)].flatMap(
    ({ 1: mark, 2: code, index }) => {
      if (mark === 'no-run') return []
      const line = text.slice(0, index).split('\n').length
      const file = join(folder, `${basename(directory)}-line-${line}.mts`)
      writeFileSync(file, '\n'.repeat(line) + code)
      return [{ file, origin: `${relative(repository, readme)}:${line}` }]
    },
  )
}

function typeErrors(files) {
  const program = ts.createProgram(files, compilerOptions())
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
    if (diagnostic.file === undefined) return message
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start)
    return `${relative(folder, diagnostic.file.fileName)} (README line ${line + 1}): ${message}`
  })
}

function compilerOptions() {
  return {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(repository, 'node_modules', '@types')],
  }
}
