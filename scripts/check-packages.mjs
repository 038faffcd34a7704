// Packs every publishable package and asks publint and Are The Types Wrong about the tarball: what users
// install, not what lies in the folder.
import { join } from 'node:path'
import { packAll, publishable, repository, run } from './workspace.mjs'

const tarballs = packAll('packed')
const tool = (name) => join(repository, 'node_modules', '.bin', name)
const failures = []

for (const { name, exports } of publishable) {
  attempt(name, 'publint', ['--strict', tarballs[name]])
  // A package of data alone has no types to be wrong.
  const hasCode = Object.values(exports).some((target) => typeof target === 'object')
  if (hasCode) attempt(name, 'attw', ['--no-emoji', tarballs[name]])
}
if (failures.length > 0) {
  console.error(failures.join('\n'))
  process.exit(1)
}
console.log(`publint and attw found nothing wrong with ${publishable.length} packed packages.`)

function attempt(name, command, parameters) {
  try {
    run(tool(command), parameters)
  } catch (error) {
    failures.push(`${name}: ${error.message}`)
  }
}
