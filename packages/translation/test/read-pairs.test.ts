import { describe, expect, it } from 'vitest'
import { readPairs } from '../src/read-pairs'

const rows = [{ en: 'a dog', de: 'ein Hund' }]
const [english, german] = [
  { text: 'a dog', target: 'ein Hund', sourceLanguage: 'en', targetLanguage: 'de' },
  { text: 'ein Hund', target: 'a dog', sourceLanguage: 'de', targetLanguage: 'en' },
]

describe('the columns of two languages', () => {
  it.each([
    [{}, english],
    [{ source: 'en' }, english],
    [{ target: 'de' }, english],
    [{ source: 'de' }, german],
    [{ target: 'en' }, german],
    [{ source: 'de', target: 'en' }, german],
    // Another code of the same language.
    [{ source: 'de_DE' }, { ...german, sourceLanguage: 'de_DE' }],
  ])('are found from %o', async (options, expected) => {
    expect((await readPairs(rows, options, 'transfer')).examples).toEqual([expected])
  })

  it.each([{ source: 'fr' }, { target: 'fr' }, { source: 'fr', target: 'de' }])(
    'are not guessed from a language that neither is of: %o',
    async (options) => {
      await expect(readPairs(rows, options, 'transfer')).rejects.toThrow(
        "must be rows with 'source' and 'target', or a column for each language, but got the columns 'en', 'de'",
      )
    },
  )
})
