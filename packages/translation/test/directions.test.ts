import { expect, it } from 'vitest'
import { tokensFor, withDirections } from '../src/directions'
import { tinyBase } from './support'

const pairOf = (sourceLanguage: string, targetLanguage: string) => ({
  ...{ text: 'a', target: 'b', sourceLanguage, targetLanguage },
})
const englishGerman = pairOf('en', 'de')
const germanEnglish = pairOf('de', 'en')

it('the direction that a model was trained for last and alone is meant where none is named', async () => {
  const { tokenizer, config } = await tinyBase('t5', 't5')
  const prefixOf = (trained: typeof config, direction = {}) =>
    tokensFor({ tokenizer, config: trained }, direction, 'translate').prefix
  const first = withDirections(config, [englishGerman])
  expect(prefixOf(first)).toBe('translate English to German: ')
  const second = withDirections(first, [germanEnglish])
  expect(prefixOf(second)).toBe('translate German to English: ')
  expect(prefixOf(second, { source: 'en' })).toBe('translate English to German: ')
  const both = withDirections(second, [englishGerman, germanEnglish])
  expect(() => prefixOf(both)).toThrow(
    "translate: 'source' must be a pair of languages that the model knows: en → de, de → en, but got none.",
  )
})
