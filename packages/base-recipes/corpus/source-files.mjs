/** The files of the packages that `fetch-sources.mjs` unpacked. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** @type {{ name: string, version: string, licence: string }[]} */
export const sources = JSON.parse(readFileSync(new URL('../sources.json', import.meta.url), 'utf8'))

/** Where the packages lie, each in a folder of its own. */
export const sourcesFolder = fileURLToPath(new URL('../sources/', import.meta.url))

/** The folder of a package, its slash replaced. */
export const packageFolder = (name) => join(sourcesFolder, name.replace('/', '+'))

/** A file of a package as text. */
export const readText = (name, ...path) => readFileSync(join(packageFolder(name), ...path), 'utf8')

/** A JSON file of a package. */
export const readJson = (name, ...path) => JSON.parse(readText(name, ...path))

/** What a JavaScript module of a package exports. */
export const importModule = (name, ...path) => import(pathToFileURL(join(packageFolder(name), ...path)).href)

/** The files below a folder of a package whose names end so, in alphabetical order, as paths inside the package. */
export function listFiles(name, folder, ending) {
  return readdirSync(join(packageFolder(name), folder), { recursive: true })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path))
    .sort()
}

/** The strings of nested objects by their path: `{ a: { b: 'text' } }` → `a.b` → `text`. */
export function flatten(value, path = '') {
  if (typeof value === 'string') return new Map([[path, value]])
  if (typeof value !== 'object' || value === null) return new Map()
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...flatten(inner, `${path}.${key}`)]))
}

/** The lines `KEY=text` of a Java properties file. */
export function parseProperties(text) {
  const entries = [...text.matchAll(/^([\w.]+)\s*=\s*(.+)$/gm)]
  const unescape = (value) =>
    value.replace(/\\u([0-9a-fA-F]{4})/g, (_, code) => String.fromCharCode(parseInt(code, 16)))
  return new Map(
    entries.map(([, key, value]) => [key, unescape(value).replaceAll('\\n', ' ').replaceAll("''", "'")]),
  )
}
