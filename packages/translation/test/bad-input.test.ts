import { writeFile } from 'node:fs/promises'
import { refusal, temporaryFolder } from '@tfx/testing'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { scratchBase, transfer } from '../src/index'
import { quick, tinyBase, toyPairs } from './support'

const folder = temporaryFolder()
const pairs = toyPairs(40)
const sizes = { vocabSize: 300, hiddenSize: 16, numLayers: 1, numHeads: 1, maxLength: 32 }
const base = scratchBase(pairs, sizes)
const once = { ...quick, epochs: 1, maxSteps: 1 }
const trained = base.then((model) => transfer(model, pairs, once))
afterAll(async () => (await trained).dispose())

describe('pairs that cannot be learned from', () => {
  it.each([
    [
      'blank on one side',
      [{ en: 'a dog', de: ' ' }],
      "1 without one of them (row 41). Complete or delete them, or pass { incomplete: 'drop' }",
    ],
    ['without a translation', [{ en: 'a dog' }], '1 without one of them (row 41)'],
    [
      'with control characters',
      [{ en: 'a\u0000dog', de: 'ein Hund' }],
      "'rows, row 41, en' must be text without control characters, but got U+0000 at 1",
    ],
    [
      'with half a surrogate pair',
      [{ en: 'a dog', de: 'ein \ud83d Hund' }],
      "'rows, row 41, de' must be well-formed Unicode, but got half of a surrogate pair",
    ],
    ['that are no texts', [{ en: 'a dog', de: 7 }], "'rows, row 41, de' must be a string, but got number"],
  ])('%s', async (_, more, message) => {
    const seen = vi.fn()
    const error = await refusal(transfer(await base, [...pairs, ...more], { ...once, onEvent: seen }))
    expect(error.name).toBe('DataError')
    expect(error.message).toContain(message)
    expect(seen).not.toHaveBeenCalled()
  })

  it('are left out where one asks for it', async () => {
    const model = await transfer(await base, [...pairs, { en: 'a dog', de: '' }], {
      ...once,
      incomplete: 'drop',
    })
    expect(model.notes).toContain('1 rows without a text or its translation were left out.')
    await model.dispose()
  })

  it.each([
    [
      'columns of no language',
      [{ text: 'a', label: 'b' }],
      "must be rows with 'source' and 'target', or a column for each language, but got the columns 'text', 'label'",
    ],
    [
      'columns of three languages',
      [{ en: 'a', de: 'b', fr: 'c' }],
      "Name the columns of two languages, for instance { source: 'en', target: 'de' }.",
    ],
    ['no rows', [], 'must be at least one row, but got empty'],
  ])('%s', async (_, rows, message) => {
    const error = await refusal(transfer(await base, rows as object[], once))
    expect(error.name).toBe('DataError')
    expect(error.message).toContain(message)
  })

  it('two files of different lengths, or not of text', async () => {
    const files = { source: folder('train.en'), target: folder('train.de') }
    await writeFile(files.source, 'a dog\na cat\n')
    await writeFile(files.target, 'ein Hund\n')
    const lengths = await refusal(transfer(await base, files, once))
    expect(lengths.name).toBe('DataError')
    expect(lengths.message).toContain(
      'must be files of as many lines, each the translation of the other, but got 2 and 1 lines. Find the line',
    )
    await writeFile(files.target, Uint8Array.of(0xff, 0xfe, 0x41, 0x0a))
    expect((await refusal(transfer(await base, files, once))).message).toContain(
      'must be a file of UTF-8 text',
    )
    const missing = { ...files, target: folder('nowhere.de') }
    expect((await refusal(transfer(await base, missing, once))).message).toContain('but got missing')
  })

  it('of languages that the base does not know', async () => {
    const tiny = await tinyBase('mbart50', 'mbart')
    const error = await refusal(transfer(tiny, pairs, { ...once, source: 'en', target: 'tlh' }))
    expect(error.name).toBe('DataError')
    const rows = pairs.map(({ en, de }) => ({ source: en, target: de }))
    const unknown = await refusal(transfer(tiny, rows, { ...once, source: 'en', target: 'tlh' }))
    expect(unknown.name).toBe('ArgumentError')
    expect(unknown.message).toMatch(
      /^transfer: 'target' must be a language that the model knows: ar_AR, .* more, but got 'tlh'/,
    )
    const unnamed = await refusal(transfer(tiny, rows, once))
    expect(unnamed.message).toContain(
      "'target' must be the language of the translations: the model knows several",
    )
  })

  it('of files that are no paths: a number would be read as an open file', async () => {
    const files = { source: 0, target: 0 } as never
    expect((await refusal(transfer(await base, files, once))).message).toContain(
      "'0' must be a file of UTF-8 text, but got of type number",
    )
  })

  it('of neither one direction nor both', async () => {
    const options = { ...once, bothDirections: 'no' as never }
    expect((await refusal(transfer(await base, pairs, options))).message).toContain(
      "'bothDirections' must be true or false, but got 'no'",
    )
  })

  it('of both directions, where nothing tells the base which', async () => {
    const both = await refusal(transfer(await base, pairs, { ...once, bothDirections: true }))
    expect(both.message).toContain(
      'of one direction: nothing tells this base which language to write, but got 2 directions',
    )
    const unnamed = pairs.map(({ en, de }) => ({ source: en, target: de }))
    expect(
      (await refusal(transfer(await base, unnamed, { ...once, bothDirections: true }))).message,
    ).toContain("'bothDirections' must be left out where the languages are not known")
  })
})

describe('texts that cannot be translated', () => {
  it.each([
    [
      'an empty text',
      '',
      "translate: 'text' must be a text, but got a blank one. Leave it out, or fill it in.",
    ],
    [
      'a blank one among others',
      ['a dog', ' \n'],
      "translate: 'texts[1]' must be a text, but got a blank one.",
    ],
    ['no text', 7, "translate: 'text' must be a string, but got number."],
    ['control characters', 'a\u001bdog', "'text' must be text without control characters, but got U+001B"],
    ['half a surrogate pair', '\udc4d', "'text' must be well-formed Unicode"],
    [
      'a million words',
      'dog '.repeat(1_000_000),
      "'text' must be a text of at most 100000 words, but got 1000000 words.",
    ],
  ])('%s', async (_, text, message) => {
    const error = await refusal((await trained).translate(text as string))
    expect(error.name).toBe('ArgumentError')
    expect(error.message).toContain(message)
  })

  it.each([
    [{ split: 'words' }, "'split' must be 'sentences', 'lines' or 'none', but got \"words\""],
    [{ glossary: { force: { dog: '' } } }, "'glossary.force' must be a text, but got a blank one"],
    [{ glossary: { forced: {} } }, "'glossary' must be { force, forbid }"],
    [{ glossary: { forbid: 'Hund' } }, `a list of terms, but got {"forbid":"Hund"}`],
    [{ glossary: { force: 5 } }, `a list of terms, but got {"force":5}`],
    [{ glossary: { force: { dog: 5 } } }, "'glossary.force' must be a string, but got number"],
    [{ glossary: { force: { dog: null } } }, "'glossary.force' must be a string, but got null"],
    [{ glossary: { force: { dog: [] } } }, "each with a translation or several, but got none for 'dog'"],
    [{ maxWords: '5' }, "'maxWords' must be a number of at least 1, but got 5"],
    [{ numbeams: 4 }, "'options' must be made of settings, such as 'numBeams', that there are"],
    [{ glossary: { forbid: [7] } }, "'glossary.forbid' must be a string, but got number"],
    [{ maxWords: NaN }, "'maxWords' must be a number of at least 1, but got NaN"],
    [null, "translate: 'options' must be an object, but got null"],
    [{ seed: NaN }, "'seed' must be a number, but got NaN"],
    [{ signal: new AbortController() }, "'signal' must be an AbortSignal, but got an AbortController"],
    [{ numBeams: 0 }, "'numBeams' must be a whole number of at least 1"],
    [{ glossary: { force: ['Hund'] }, doSample: true }, "'doSample' must be false with forceWordsIds"],
  ])('with the options %j', async (options, message) => {
    const error = await refusal((await trained).translate('big dog.', options as object))
    expect(error.name).toBe('ArgumentError')
    expect(error.message).toContain(message)
  })

  it('are refused in an evaluation, as are missing references', async () => {
    const model = await trained
    expect((await refusal(model.evaluate([{ en: 'a dog' }, ...pairs]))).message).toContain('columns')
    expect((await refusal(model.evaluate([...pairs, { en: 'a dog', de: null }]))).message).toMatch(
      /^evaluate: 'rows' must be a text and its translation in every row, but got 1 without one of them \(row 41\)/,
    )
  })

  it.each([
    [null, "evaluate: 'options' must be an object, but got null"],
    [{ incomplete: 'dropp' }, "'incomplete' must be 'error' or 'drop', but got 'dropp'"],
    [{ bothDirections: 'no' }, "'bothDirections' must be true or false, but got 'no'"],
  ])('are refused in an evaluation with the options %j', async (options, message) => {
    const error = await refusal((await trained).evaluate(pairs, options as object))
    expect(error.name).toBe('ArgumentError')
    expect(error.message).toContain(message)
  })

  it('are refused in an evaluation that all of them are dropped from', async () => {
    const dropped = (await trained).evaluate([{ en: 'a dog', de: '' }], { incomplete: 'drop' })
    expect((await refusal(dropped)).message).toContain(
      "evaluate: 'dataset' must be at least one text with its translation, but got none",
    )
  })

  it('are none: an empty list has no translations', async () => {
    expect(await (await trained).translate([])).toEqual([])
  })
})
