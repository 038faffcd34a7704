import { ArgumentError } from '@tfx/common'
import type { Tokenizer } from '@tfx/core'
import { textFault } from '@tfx/data'

/** Terms that translations must have, or must not have. */
export interface Glossary {
  /**
   * Terms of the source → how they are to be translated, one way or one of several: where a sentence has the term (whole
   * words, in any case; any part of a text in a script without spaces), its translation gets one of them. A list: what every translation must have.
   */
  readonly force?: Readonly<Record<string, string | readonly string[]>> | readonly string[]
  /** What no translation may have. */
  readonly forbid?: readonly string[]
}

/** A glossary as `generate` takes it. */
export interface GlossaryTokens {
  /** The words to be written for a sentence, each as its spellings. */
  forced(sentence: string): number[][][]
  readonly forbidden: readonly (readonly number[])[]
}

/**
 * Spells the terms of a glossary in tokens: behind a space and without one, as they are and with a capital.
 *
 * @param tokenizer Of the translations.
 * @throws ArgumentError if it is made of anything else, or a term is no text.
 */
export function glossaryTokens(glossary: Glossary, tokenizer: Tokenizer): GlossaryTokens {
  checkGlossary(glossary)
  const { force = {}, forbid = [] } = glossary
  checkTerms('glossary.forbid', forbid)
  const isList = Array.isArray(force)
  const entries: [string | undefined, readonly string[]][] = isList
    ? (force as readonly string[]).map((term) => [undefined, [term]])
    : Object.entries(force as Readonly<Record<string, string | readonly string[]>>).map(([source, terms]) => [
        source,
        Array.isArray(terms) ? (terms as readonly string[]) : [terms as string],
      ])
  const words = entries.map(([source, terms]) => {
    checkTerms('glossary.force', source === undefined ? terms : [source, ...terms])
    if (terms.length === 0) throw noTerms(source)
    // A form without its space in front is for the beginning only, where it has a capital.
    const spellings = terms.flatMap((term) => [` ${term}`, ` ${capitalized(term)}`, capitalized(term)])
    return {
      isIn: source === undefined ? () => true : finder(source),
      ways: shortest(tokensOf(spellings, tokenizer)),
    }
  })
  const everywhere = forbid.flatMap((term) => [` ${term}`, term, ` ${capitalized(term)}`, capitalized(term)])
  return {
    forced: (sentence) => words.filter(({ isIn }) => isIn(sentence)).map(({ ways }) => ways),
    forbidden: tokensOf(everywhere, tokenizer),
  }
}

const capitalized = (term: string): string => {
  const [first = ''] = term
  return first.toUpperCase() + term.slice(first.length)
}

/** Letters of scripts that put no space between words. */
const unspaced = String.raw`\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}`
const isUnspaced = new RegExp(`[${unspaced}]`, 'u')
const inWord = String.raw`(?![${unspaced}])[\p{L}\p{N}]`

/**
 * Tells whether a sentence has a term: as whole words, or anywhere where its script puts no space between words. Capitals and
 * the kind of white space do not matter.
 */
function finder(term: string): (sentence: string) => boolean {
  const trimmed = term.trim()
  const characters = Array.from(trimmed)
  const escaped = trimmed.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+')
  const start = isUnspaced.test(characters[0]!) ? '' : `(?<!${inWord})`
  const end = isUnspaced.test(characters.at(-1)!) ? '' : `(?!${inWord})`
  const pattern = new RegExp(start + escaped + end, 'iu')
  return (sentence) => pattern.test(sentence)
}

/** The tokens of each spelling, without those around a text; each sequence once. */
function tokensOf(spellings: readonly string[], tokenizer: Tokenizer): number[][] {
  const options = { maxLength: Infinity, addSpecialTokens: false }
  const found = new Map<string, number[]>()
  for (const spelling of spellings) {
    const { inputIds } = tokenizer.encode(spelling, undefined, options)
    if (inputIds.length > 0) found.set(inputIds.join(), inputIds)
  }
  return [...found.values()]
}

/** Those that no other begins: who has written the shorter one has written the term. */
const shortest = (ways: readonly number[][]): number[][] =>
  ways.filter((way) => !ways.some((other) => other !== way && other.every((token, at) => way[at] === token)))

function checkGlossary(glossary: unknown): void {
  const { force = {}, forbid = [], ...others } = (glossary ?? {}) as Record<string, unknown>
  const isRight = [glossary, force].every((part) => typeof part === 'object' && part !== null)
  const [unknown] = Object.keys(others)
  if (isRight && Array.isArray(forbid) && unknown === undefined) return
  throw new ArgumentError({
    function: 'translate',
    argument: 'glossary',
    expected: '{ force, forbid }: terms with their translations, and a list of terms',
    received: unknown === undefined ? JSON.stringify(glossary) : `'${unknown}'`,
    remedy: "For instance { force: { dog: 'Hund' }, forbid: ['Köter'] }.",
  })
}

const noTerms = (source: string | undefined) =>
  new ArgumentError({
    function: 'translate',
    argument: 'glossary.force',
    expected: 'terms, each with a translation or several',
    received: `none for '${source}'`,
    remedy: 'Leave the term out, or say how it is to be translated.',
  })

function checkTerms(argument: string, terms: unknown): void {
  const given: readonly unknown[] = Array.isArray(terms) ? terms : [terms]
  for (const term of given) {
    const fault = textFault(term)
    if (fault) throw new ArgumentError({ function: 'translate', argument, ...fault })
  }
}
