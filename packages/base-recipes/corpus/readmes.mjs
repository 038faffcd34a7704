/** READMEs of the packages that this repository's lockfile installs, with their descriptions, under permissive licences. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clean } from './clean.mjs'

const store = fileURLToPath(new URL('../../../node_modules/.pnpm/', import.meta.url))
const permissive =
  /^(?:\(?(?:MIT|Apache-2\.0|ISC|BSD-[23]-Clause|0BSD|CC0-1\.0|Unlicense)(?: OR [\w.-]+)*\)?)$/
const WORDS = 120

/** The running text of a Markdown file: paragraphs without code, tables, images, badges, headings and lists of links. */
function proseOf(markdown) {
  return markdown
    .replace(/```.*?```/gs, '\n\n')
    .replace(/<!--.*?-->/gs, '')
    .replace(/<[^>]*>/g, '')
    .replace(/!?\[!\[[^\]]*\][([][^)\]]*[)\]]\][([][^)\]]*[)\]]|!\[[^\]]*\][([][^)\]]*[)\]]/g, '')
    .replace(/\[([^\]]*)\]\[[^\]]*\]/g, '$1')
    .split(/\n\s*\n/)
    .filter((paragraph) => !/^\s*(?:#|\||\[|[-=*_]{3}|\s{4}|>|https?:)/.test(paragraph))
    .map((paragraph) => clean(paragraph.replace(/^\s*[*-] /gm, '')))
    .filter((paragraph) => paragraph.split(' ').length >= 6 && /[.:!?]/.test(paragraph))
}

/** Every package folder of pnpm's store, one version of each. */
function packageFolders() {
  const folders = new Map()
  for (const entry of readdirSync(store).sort()) {
    // The READMEs of @stdlib are hundreds of times the same.
    if (entry.startsWith('@stdlib')) continue
    const name = entry.replace(/^(@[^+]+)\+/, '$1/').replace(/(?<=.)@.*$/, '')
    const folder = join(store, entry, 'node_modules', name)
    if (existsSync(join(folder, 'package.json'))) folders.set(name, folder)
  }
  return folders
}

/**
 * What each package says of itself, at length and in short.
 * @returns {{ paragraphs: string[], description: string | undefined }[]}
 */
export function readReadmes() {
  return [...packageFolders().values()].flatMap((folder) => {
    const { license, description } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find((name) => /^readme\.md$/i.test(name))
    if (file === undefined || !permissive.test(license)) return []
    const paragraphs = proseOf(readFileSync(join(folder, file), 'utf8'))
    const short = typeof description === 'string' ? clean(description) : ''
    return [{ paragraphs, description: short.split(' ').length >= 4 ? short : undefined }]
  })
}

/** README → description: the description's own words are cut out of what is to be summed up. */
export function summaryPairs(readmes) {
  return readmes.flatMap(({ paragraphs, description }) => {
    if (description === undefined) return []
    const others = paragraphs.filter((paragraph) => !paragraph.includes(description.replace(/\.$/, '')))
    const text = others.join(' ').split(' ').slice(0, WORDS).join(' ')
    return text.split(' ').length >= 20 ? [{ text, summary: description }] : []
  })
}
