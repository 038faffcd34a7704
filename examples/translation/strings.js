// English strings of programs and their German translations, from the localisation files of npm packages.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as igniteEnglish from 'igniteui-i18n-core'
import * as igniteGerman from 'igniteui-i18n-resources/de'
import typescript from 'typescript'

const require = createRequire(import.meta.url)
const readJson = (path) => JSON.parse(readFileSync(require.resolve(path), 'utf8'))

/** One string in this many is held out. */
const heldOut = 4

/**
 * Pairs { en, de }: those of two libraries of user interfaces, a quarter of them held out for the test, and to learn
 * from also the messages of the TypeScript compiler. No English string is in both parts.
 */
export function readStrings() {
  const interfaces = distinct([
    ...joined(flattened(igniteEnglish), flattened(igniteGerman)),
    ...joined(...['en', 'de'].map((language) => strings(readJson(`primelocale/${language}.json`)[language]))),
  ])
  const test = interfaces.filter((_, index) => index % heldOut === 0)
  const rest = interfaces.filter((_, index) => index % heldOut !== 0)
  const known = new Set(test.map(({ en }) => en.toLowerCase()))
  const train = distinct([...rest, ...compilerMessages()]).filter(({ en }) => !known.has(en.toLowerCase()))
  return { train, test }
}

/** The tables of a module in one. */
const flattened = (module) =>
  Object.assign(
    {},
    ...Object.entries(module)
      .filter(([name]) => name.includes('ResourceStrings'))
      .map(([, table]) => table),
  )

/** The strings of a table, without what is in lists and tables inside it. */
const strings = (table) =>
  Object.fromEntries(Object.entries(table).filter(([, text]) => typeof text === 'string'))

const joined = (english, german) =>
  Object.keys(english)
    .filter(
      (key) => typeof german[key] === 'string' && english[key].trim() !== '' && german[key].trim() !== '',
    )
    .map((key) => ({ en: english[key].trim(), de: german[key].trim() }))

function compilerMessages() {
  const german = readJson('typescript/lib/de/diagnosticMessages.generated.json')
  return Object.values(typescript.Diagnostics)
    .filter(({ key, message }) => key in german && message.length < 120)
    .map(({ key, message }) => ({ en: message, de: german[key] }))
}

/** The first pair of each English string. */
const distinct = (pairs) =>
  [...new Map(pairs.toReversed().map((pair) => [pair.en.toLowerCase(), pair])).values()].toReversed()
