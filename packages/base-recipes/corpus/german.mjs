/** German text without an English side: the strings of VS Code itself. */
import { clean } from './clean.mjs'
import { readJson, listFiles, readText } from './source-files.mjs'

const languagePack = '@codingame/monaco-vscode-language-pack-de'

/** @returns {string[]} */
export function readGermanText() {
  const source = readText(languagePack, 'translations', 'main.i18n.json.js')
  const strings = [...source.matchAll(/^\t("(?:[^"\\]|\\.)*"),?$/gm)].map(([, text]) => JSON.parse(text))
  const ofExtensions = listFiles(languagePack, 'translations/extensions', '.json').flatMap((path) =>
    Object.values(readJson(languagePack, path).contents.package ?? {}),
  )
  return [...strings, ...ofExtensions].map(clean).filter((text) => /\p{L}{3}.*\s.*\p{L}{3}/u.test(text))
}
