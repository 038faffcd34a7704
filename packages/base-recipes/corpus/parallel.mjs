/** English strings and their German translations, from the localisation files of npm packages. */
import { clean } from './clean.mjs'
import { flatten, importModule, listFiles, parseProperties, readJson, readText } from './source-files.mjs'

/** The strings that both maps have under the same key. */
const join = (english, german) =>
  [...english].flatMap(([key, text]) => (german.has(key) ? [{ english: text, german: german.get(key) }] : []))

const joinJson = (name, pathOf, part = (json) => json) =>
  join(...['en', 'de'].map((language) => flatten(part(readJson(name, ...pathOf(language)), language))))

async function readTypeScript() {
  const { default: typescript } = await importModule('typescript', 'lib', 'typescript.js')
  const german = readJson('typescript', 'lib', 'de', 'diagnosticMessages.generated.json')
  return Object.values(typescript.Diagnostics).flatMap(({ key, message }) =>
    key in german ? [{ english: message, german: german[key] }] : [],
  )
}

function readLighthouse() {
  const read = (language) => {
    const json = readJson('lighthouse', 'shared', 'localization', 'locales', `${language}.json`)
    return new Map(Object.entries(json).map(([key, { message }]) => [key, message]))
  }
  return join(read('en-US'), read('de'))
}

/** Monaco's sources call `localize(7, "English")`; its language files are arrays. */
async function readMonaco() {
  await importModule('monaco-editor', 'esm', 'vs', 'nls', 'lang', 'de.js')
  const german = globalThis._VSCODE_NLS_MESSAGES
  const english = new Map()
  for (const path of listFiles('monaco-editor', 'esm/vs', '.js')) {
    for (const [, index, text] of readText('monaco-editor', path).matchAll(
      /localize2?\((\d+), ("(?:[^"\\]|\\["\\nt])*")/g,
    ))
      english.set(Number(index), JSON.parse(text.replace(/\t/g, ' ')))
  }
  return join(english, new Map(german.flatMap((text, index) => (text ? [[index, text]] : []))))
}

/** VS Code's own extensions: where they call `l10n.t('English')`, the English text is the key. */
function readVisualStudioCode() {
  const name = '@codingame/monaco-vscode-language-pack-de'
  return listFiles(name, 'translations/extensions', '.json').flatMap((path) =>
    Object.entries(readJson(name, path).contents.bundle ?? {}).map(([key, german]) => ({
      // Behind a slash there is a comment for translators.
      english: key.split('/')[0].length > 3 ? key.replace(/\/.*$/s, '') : key,
      german,
    })),
  )
}

function readOpenUi5(name, folder) {
  const read = (language) => parseProperties(readText(name, folder, `messagebundle${language}.properties`))
  return join(read(''), read('_de'))
}

async function readBlockly() {
  const [english, german] = await Promise.all(
    ['en', 'de'].map((language) => importModule('blockly', 'msg', `${language}.js`)),
  )
  return join(flatten(english.default), flatten(german.default))
}

async function readExcalidraw() {
  const folder = 'dist/prod/locales'
  const read = async (prefix) => {
    const [path] = listFiles('@excalidraw/excalidraw', folder, '.js').filter((file) =>
      file.startsWith(`${folder}/${prefix}`),
    )
    return flatten((await importModule('@excalidraw/excalidraw', path)).default)
  }
  return join(await read('en-'), await read('de-DE'))
}

async function readPayload() {
  const read = async (language) => {
    const module = await importModule('@payloadcms/translations', 'dist', 'languages', `${language}.js`)
    return flatten(module[`${language}Translations`])
  }
  return join(await read('en'), await read('de'))
}

async function readAgGrid() {
  const module = await importModule('@ag-grid-community/locale', 'dist', 'package', 'main.esm.mjs')
  return join(flatten(module.AG_GRID_LOCALE_EN), flatten(module.AG_GRID_LOCALE_DE))
}

/** Names of emoji with their keywords. */
function readEmoji() {
  const read = (language) =>
    new Map(
      readJson('emojibase-data', language, 'data.json').map(({ hexcode, label, tags = [] }) => [
        hexcode,
        `${label}: ${tags.join(', ')}`,
      ]),
    )
  return join(read('en'), read('de'))
}

function readCldr() {
  return ['languages', 'territories', 'scripts'].flatMap((file) =>
    joinJson(
      'cldr-localenames-full',
      (language) => ['main', language, `${file}.json`],
      (json, language) => json.main[language],
    ),
  )
}

const readNodeRed = () => [
  ...join(
    ...['en-US', 'de'].map((language) =>
      flatten(readJson('@node-red/nodes', 'locales', language, 'messages.json')),
    ),
  ),
  ...['editor', 'infotips', 'jsonata'].flatMap((file) =>
    join(
      ...['en-US', 'de'].map((language) =>
        flatten(readJson('@node-red/editor-client', 'locales', language, `${file}.json`)),
      ),
    ),
  ),
]

/**
 * Every pair of strings, by where it comes from; a pair whose sides are the same is not one.
 * @returns {Promise<Record<string, { english: string, german: string }[]>>}
 */
export async function readParallelText() {
  const read = {
    'TypeScript messages': await readTypeScript(),
    'Lighthouse messages': readLighthouse(),
    'Monaco editor strings': await readMonaco(),
    'VS Code extension strings': readVisualStudioCode(),
    'OpenUI5 strings': [
      ...readOpenUi5('@openui5/sap.m', 'src/sap/m'),
      ...readOpenUi5('@openui5/sap.ui.core', 'src/sap/ui/core'),
    ],
    'Node-RED strings': readNodeRed(),
    'OpenStreetMap tagging names': joinJson(
      '@openstreetmap/id-tagging-schema',
      (language) => ['dist', 'translations', `${language}.json`],
      (json, language) => json[language],
    ),
    'Blockly strings': await readBlockly(),
    'Excalidraw strings': await readExcalidraw(),
    'Payload strings': await readPayload(),
    'AG Grid strings': await readAgGrid(),
    'ioBroker strings': ['iobroker.admin', 'iobroker.javascript'].flatMap((name) =>
      joinJson(name, (language) => ['admin', 'i18n', `${language}.json`]),
    ),
    'OSRM instructions': joinJson('osrm-text-instructions', (language) => [
      'languages',
      'translations',
      `${language}.json`,
    ]),
    'Emoji names and keywords': readEmoji(),
    'Names of languages, scripts, places': [
      ...readCldr(),
      ...joinJson('i18n-iso-countries', (language) => ['langs', `${language}.json`]),
    ],
  }
  return Object.fromEntries(
    Object.entries(read).map(([source, pairs]) => [
      source,
      pairs
        .map(({ english, german }) => ({ english: clean(english), german: clean(german) }))
        .filter(
          ({ english, german }) =>
            /[a-z]{3}/i.test(english) && /\p{L}{3}/u.test(german) && english !== german,
        ),
    ]),
  )
}
