/**
 * Gets the packages of `sources.json` whose text the bases read, without their dependencies, and unpacks them into
 * `sources/`, which git ignores: `node fetch-sources.mjs`. Takes `npm` and `tar`, and about 240 MB.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolder, sources, sourcesFolder } from './corpus/source-files.mjs'

mkdirSync(sourcesFolder, { recursive: true })
for (const { name, version } of sources) {
  const folder = packageFolder(name)
  if (existsSync(join(folder, 'package.json'))) continue
  const pack = ['pack', `${name}@${version}`, '--silent', '--pack-destination', sourcesFolder]
  const tarball = join(sourcesFolder, execFileSync('npm', pack, { encoding: 'utf8' }).trim())
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
  rmSync(tarball)
  process.stdout.write(`${name} ${version}\n`)
}
