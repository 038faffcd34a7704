import { describe, expect, it } from 'vitest'
import { leadSummaries } from '../src/index'
import { lengthSettings } from '../src/lengths'
import { prefixOf, withPrefix } from '../src/prefix'
import { readExamples } from '../src/read-examples'
import { refusalText, tinyBase } from './support'

const read = (rows: object[], options: object = {}) => readExamples(rows, { caller: 'transfer', ...options })

describe('rows', () => {
  it.each([
    [{ article: 'A', highlights: 'S' }, ['article', 'highlights']],
    [{ Text: 'A', Summary: 'S', id: 1 }, ['Text', 'Summary']],
    [{ description: 'A', title: 'S' }, ['description', 'title']],
  ])('%j', async (row, [document, summary]) => {
    const { examples, notes } = await read([row])
    expect(examples).toEqual([{ text: 'A', target: 'S', targets: ['S'] }])
    expect(notes).toEqual([`Columns by their names: '${document}', '${summary}'.`])
  })

  it('may have a list of sentences, and several summaries', async () => {
    const { examples } = await read([{ source: ['A.', 'B.'], target: ['S', 'T'] }])
    expect(examples).toEqual([{ text: 'A. B.', target: 'S', targets: ['S', 'T'] }])
  })

  it('take the columns that are named', async () => {
    const rows = [{ text: 'A', summary: 'S', other: 'O', short: 'T' }]
    const { examples, notes } = await read(rows, { documentColumn: 'other', summaryColumn: 'short' })
    expect(examples).toMatchObject([{ text: 'O', target: 'T' }])
    expect(notes).toEqual([])
    expect(await refusalText(read(rows, { summaryColumn: 'long' }))).toContain(
      "transfer: 'summaryColumn' must be a column that is there, not 'long', but got the columns 'text', 'summary', 'other', 'short'.",
    )
  })

  it('are left out where they lack something, if that is asked for', async () => {
    const rows = [
      { text: 'A', summary: 'S' },
      { text: ' ', summary: 'S' },
      { text: 'A', summary: null },
    ]
    const { examples, notes } = await read(rows, { incomplete: 'drop' })
    expect(examples).toHaveLength(1)
    expect(notes.at(-1)).toBe('2 rows without a document or its summary were left out.')
    expect(await refusalText(read(rows, { incomplete: 'dropp' as never }))).toContain(
      "'incomplete' must be 'error' or 'drop', but got 'dropp'",
    )
    expect(await refusalText(read(rows))).toContain('2 without one of them (row 2, row 3)')
  })

  it('have no control characters, and no halves of characters', async () => {
    expect(await refusalText(read([{ text: 'A\u0000', summary: 'S' }]))).toContain(
      "DataError: transfer: 'rows, row 1, text' must be text without control characters, but got U+0000 at 1.",
    )
    expect(await refusalText(read([{ text: 'A', summary: '\ud800' }]))).toContain(
      "'rows, row 1, summary' must be well-formed Unicode",
    )
  })
})

describe('leadSummaries', () => {
  it('are as long as references on average', () => {
    const documents = ['One two. Three four five. Six.', 'Alone']
    expect(leadSummaries(documents, [['Aa bb. Cc dd.', 'Xx'], ['Yy zz. Ww.']])).toEqual({
      leadSentences: ['One two. Three four five.', 'Alone'],
      leadWords: ['One two. Three', 'Alone'],
    })
  })
})

describe('prefix', () => {
  it("is T5's own for a T5, what the configuration says, or none", async () => {
    const t5 = (await tinyBase('t5')).config as never
    const bart = (await tinyBase('bart')).config as never
    expect(prefixOf(t5)).toBe('summarize: ')
    expect(prefixOf(bart)).toBe('')
    expect(prefixOf(withPrefix(t5, ''))).toBe('')
    expect(prefixOf(withPrefix(bart, 'tldr: '))).toBe('tldr: ')
    const spaced = { ...(bart as object), source: { prefix: ' ' } } as never
    expect(prefixOf(spaced)).toBe(' ')
    expect(withPrefix(spaced, '').source).toEqual({ task_specific_params: { summarization: { prefix: '' } } })
  })
})

describe('lengthSettings', () => {
  it('turns styles and limits into settings of generate', () => {
    expect(lengthSettings({}, 500)).toEqual({})
    expect(lengthSettings({ style: 'short' }, 500)).toEqual({
      maxNewTokens: 24,
      minLength: 0,
      minNewTokens: 0,
      lengthPenalty: 0.8,
    })
    expect(lengthSettings({ style: 'detailed' }, 100)).toMatchObject({ maxNewTokens: 100, minNewTokens: 48 })
    expect(lengthSettings({ style: 'detailed', maxLength: 20 }, 500)).toMatchObject({
      maxNewTokens: 20,
      minNewTokens: 20,
    })
    expect(lengthSettings({ minLength: 5 }, 500)).toEqual({ minLength: 0, minNewTokens: 5 })
  })
})
