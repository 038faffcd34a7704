import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { split } from '@tfx/data'

const store = fileURLToPath(new URL('../../node_modules/.pnpm', import.meta.url))

/**
 * The README of every npm package that is installed here as the document, and the description in its package.json as the
 * summary, in a fixed split. Packages of one scope, or with one description, are on one side of it.
 */
export function readPackages() {
  const groups = new Map()
  const descriptions = new Map()
  for (const row of installedPackages()) {
    const known = descriptions.get(row.summary)
    // Families of packages (a binary for each platform, …) differ by a word or two: one of them is enough.
    if (known !== undefined) continue
    descriptions.set(row.summary, row)
    const scope = row.package.startsWith('@') ? row.package.split('/')[0] : row.package
    groups.set(scope, [...(groups.get(scope) ?? []), row])
  }
  const { train, test } = split([...groups.values()], { fraction: 0.3, seed: 7 })
  return { train: train.flat(), test: test.flat() }
}

/** { package, document, summary } of each, in the order of their names. */
function installedPackages() {
  const found = new Map()
  for (const entry of readdirSync(store).sort()) {
    for (const directory of packagesIn(join(store, entry, 'node_modules'))) {
      const row = readPackage(directory)
      if (row !== undefined && !found.has(row.package)) found.set(row.package, row)
    }
  }
  return [...found.values()].sort((left, right) => (left.package < right.package ? -1 : 1))
}

/** Folders that are packages; what is linked to is listed where it lies. */
function packagesIn(directory) {
  const entries = readdirOrNothing(directory).filter((entry) => entry.isDirectory())
  return entries.flatMap(({ name }) =>
    name.startsWith('@') ? packagesIn(join(directory, name)) : [join(directory, name)],
  )
}

function readdirOrNothing(directory) {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    return []
  }
}

function readPackage(directory) {
  const readme = readdirOrNothing(directory).find(({ name }) => /^readme\.(md|markdown)$/i.test(name))
  if (readme === undefined) return undefined
  const { name, description } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const document = proseOf(readFileSync(join(directory, readme.name), 'utf8'))
  const summary = typeof description === 'string' ? proseOf(description) : ''
  return document.length < 150 || summary.length < 10 ? undefined : { package: name, document, summary }
}

/** Markdown without code, tables, badges, HTML and links' addresses. */
function proseOf(markdown) {
  return (
    markdown
      .replace(/^(```|~~~)[^]*?^\1/gm, '')
      .replace(/<!--[^]*?-->|<[^>\n]+>/g, '')
      .replace(/!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])?/g, '')
      .replace(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, '$1')
      .replace(/^\s*\|.*$|^\[[^\]]+\]:.*$|^[\s=*-]+$/gm, '')
      .replace(/^#+\s*|[*`_]{1,3}(?=\S)|(?<=\S)[*`_]{1,3}/gm, '')
      .replace(/https?:\/\/\S+/g, '')
      // eslint-disable-next-line no-control-regex -- a few READMEs show colours of the terminal
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '')
      .replace(/\s+/g, ' ')
      .trim()
  )
}
