import { AbortedError, ArgumentError, DataError } from '@tfx/common'
import { describe, expect, it } from 'vitest'
import {
  discoverColumns,
  discoverLabels,
  encodeLabels,
  labelledExamples,
  type LabelledExamplesOptions,
  type Row,
} from '../src/index'

describe('discoverColumns', () => {
  it('prefers given columns, then the usual names in their order, in any case', () => {
    expect(discoverColumns(['id', 'Review', 'stars'])).toEqual({
      text: { name: 'Review', origin: 'discovered' },
      label: { name: 'stars', origin: 'discovered' },
    })
    expect(discoverColumns(['content', 'text', 'score', 'label']).text.name).toBe('text')
    expect(discoverColumns(['content', 'text', 'score', 'label']).label.name).toBe('label')
    expect(
      discoverColumns(['a', 'b', 'label', 'c'], { textColumn: 'a', textPairColumn: 'b', labelColumn: 'c' }),
    ).toEqual({
      text: { name: 'a', origin: 'option' },
      textPair: { name: 'b', origin: 'option' },
      label: { name: 'c', origin: 'option' },
    })
  })

  it.each([
    [
      {},
      "discoverColumns: 'textColumn' must be a column with a usual name (text, sentence, review, content, comment, tweet, message, body, document, sentence1), but got the columns 'id', 'words', 'label'. Pass { textColumn: '…' } with the one that holds the text; if the file has no header, pass { columns: [...] }.",
    ],
    [
      { textColumn: 'word' },
      "discoverColumns: 'textColumn' must be a column that is there, not 'word', but got the columns 'id', 'words', 'label'. Pass one of those.",
    ],
    [{ textColumn: 'words', labelColumn: 'y' }, "'labelColumn' must be a column that is there, not 'y'"],
    [
      { textColumn: 'words', textPairColumn: 'y' },
      "'textPairColumn' must be a column that is there, not 'y'",
    ],
  ])('lists the columns that are there: %o', (options, text) => {
    expect(() => discoverColumns(['id', 'words', 'label'], options)).toThrow(DataError)
    expect(() => discoverColumns(['id', 'words', 'label'], options)).toThrow(text)
  })
})

describe('labelledExamples', () => {
  it('makes strings of labels and reports the columns', async () => {
    const rows = [
      { sentence: 'Fine ', class: ' good ' },
      { sentence: 'Bad', class: 0 },
      { sentence: 'True', class: false },
    ]
    expect(await labelledExamples(rows)).toEqual({
      examples: [
        { text: 'Fine ', label: 'good' },
        { text: 'Bad', label: '0' },
        { text: 'True', label: 'false' },
      ],
      columns: {
        text: { name: 'sentence', origin: 'discovered' },
        label: { name: 'class', origin: 'discovered' },
      },
      dropped: 0,
    })
  })

  it('reads pairs', async () => {
    const { examples } = await labelledExamples([{ text: 'a', second: 'b', label: 1 }], {
      textPairColumn: 'second',
    })
    expect(examples).toEqual([{ text: 'a', textPair: 'b', label: '1' }])
  })

  const gaps: Row[] = [
    { text: 'a', label: 'x' },
    ...[null, undefined, '', ' ', NaN, null].map((label) => ({ text: 'b', label })),
  ]

  it('refuses to do something else with unlabelled rows', async () => {
    const call = labelledExamples([{ text: 'Fine', label: 'good' }], { unlabelled: 'Drop' as 'drop' })
    await expect(call).rejects.toThrow(
      "labelledExamples: 'unlabelled' must be 'error' or 'drop', but got 'Drop'.",
    )
  })

  it('drops unlabelled rows if asked, whatever their text', async () => {
    const { examples, dropped } = await labelledExamples([...gaps, { label: '' }], { unlabelled: 'drop' })
    expect(examples).toEqual([{ text: 'a', label: 'x' }])
    expect(dropped).toBe(7)
  })

  it.each<[string, Row[], string, LabelledExamplesOptions?]>([
    [
      'unlabelled',
      gaps,
      "labelledExamples: 'rows' must be labelled in every row, but got 6 rows (row 2, row 3, row 4, row 5, row 6, …) without a label. Label or delete them, or pass { unlabelled: 'drop' } to leave them out.",
    ],
    [
      'nothing labelled',
      [{ text: 'a', label: '' }],
      'must be at least one labelled row, but got 1 rows, none of them labelled.',
      { unlabelled: 'drop' },
    ],
    [
      'blank text',
      [
        { text: 'a', label: 1 },
        { text: ' ', label: 1 },
      ],
      "'rows' must be text in every row, but got 1 row (row 2) with blank text. Delete them, or fill in their text.",
    ],
    ['missing text', [{ text: 'a', label: 1 }, { label: 1 }], '1 row (row 2) with blank text'],
    [
      'blank second text',
      [{ text: 'a', b: '', label: 1 }],
      '1 row (row 1) with blank text',
      { textPairColumn: 'b' },
    ],
    [
      'control characters',
      [{ text: 'a\u0000b', label: 'good' }],
      "'rows, row 1, text' must be text without control characters, but got U+0000 at 1.",
    ],
    [
      'half a surrogate pair',
      [{ text: 'half \ud83d', label: 'good' }],
      "'rows, row 1, text' must be well-formed Unicode, but got half of a surrogate pair at 5.",
    ],
    [
      'number as text',
      [{ text: 5, label: 1 }],
      "'rows, row 1, text' must be a string, but got of type number.",
    ],
    [
      'several labels',
      [{ text: 'a', label: [1, 2] }],
      "'rows, row 1, label' must be a string, number or boolean, but got an array. Give each row exactly one label",
    ],
    ['missing column', [{ words: 'a', label: 1 }], "but got the columns 'words', 'label'"],
    ['no rows', [], "'rows' must be at least one row, but got empty"],
  ])('%s', async (_, rows, text, options) => {
    const reading = labelledExamples(rows, options)
    await expect(reading).rejects.toThrow(DataError)
    await expect(reading).rejects.toThrow(text)
  })

  it('stops at its signal', async () => {
    const reading = labelledExamples([{ text: 'a', label: 1 }], { signal: AbortSignal.abort() })
    await expect(reading).rejects.toThrow(AbortedError)
  })
})

describe('discoverLabels', () => {
  it.each([
    [
      ['positive', 'negative', 'positive'],
      ['negative', 'positive'],
    ],
    [
      ['10', '9', '-1'],
      ['-1', '9', '10'],
    ],
    [
      [1, 0, '1'],
      ['0', '1'],
    ],
    [
      ['10 stars', '2 stars', '1 star'],
      ['1 star', '2 stars', '10 stars'],
    ],
    [
      ['b', 'B', 'a'],
      ['a', 'b', 'B'],
    ],
  ])('sorts %j', (labels, expected) => {
    expect(discoverLabels(labels)).toEqual(expected)
    expect(discoverLabels([...labels].reverse())).toEqual(expected)
  })

  it('keeps the order of a given list, with labels that are absent', () => {
    expect(discoverLabels(['bad'], { labels: ['good', 'bad', 'mixed'] })).toEqual(['good', 'bad', 'mixed'])
  })

  it.each<[() => unknown, typeof DataError | typeof ArgumentError, string]>([
    [
      () => discoverLabels(['a', 'a']),
      DataError,
      "discoverLabels: 'labels' must be of at least two classes, but got only 'a'. Add examples of another class, or check that the right column is read as the label.",
    ],
    [() => discoverLabels([]), DataError, 'but got empty'],
    [
      () => discoverLabels(['a', 'c'], { labels: ['a', 'b'] }),
      DataError,
      "'labels' must be among 'a', 'b', but got 'c', which is not in that list.",
    ],
    [
      () => discoverLabels(['a'], { labels: ['a'] }),
      ArgumentError,
      "'options.labels' must be a list of at least two different labels, but got 1.",
    ],
    [() => discoverLabels(['a'], { labels: 'a,b' as never }), ArgumentError, 'but got of type string'],
    [() => discoverLabels(['a'], { labels: [null] as never }), ArgumentError, 'but got a list of others'],
    [() => discoverLabels(['a'], { labels: ['a', 'b', 'a'] }), ArgumentError, "but got 'a' twice"],
  ])('mistake %#', (call, type, text) => {
    expect(call).toThrow(type)
    expect(call).toThrow(text)
  })

  it('encodes labels and names one unseen in training', () => {
    expect(encodeLabels(['b', 'a', 1], ['a', 'b', '1'])).toEqual([1, 0, 2])
    expect(() => encodeLabels(['mixed'], ['bad', 'good'])).toThrow(
      "encodeLabels: 'labels' must be among 'bad', 'good', but got 'mixed', which is not in that list. Correct the label; or, if it is a new class, train with examples of it (and with it in { labels }).",
    )
  })
})
