import { ArgumentError } from '@tfx/common'
import type { Tokenizer } from '@tfx/core'
import { textFault } from '@tfx/data'

/** Terms that translations must have, or must not have. */
export interface Glossary {
  /**
   * Terms of the source → how they are to be translated, one way or one of several: where a sentence has the term (whole
   * words, in any case; any part of a text in a script without spaces), its translation gets one of them. A list: what
   * every translation must have.
   */
  readonly force?: Readonly<Record<string, string | readonly string[]>> | readonly string[]
  /** What no translation may have: whole words, as they are or with a capital, in whatever tokens. */
  readonly forbid?: readonly string[]
}

/** A glossary made ready. */
export interface GlossaryTerms {
  /** The words to be written for a sentence, as `generate` takes them: each as its spellings in tokens. */
  forced(sentence: string): number[][][]
  /** Whether a translation has a term that is forbidden. */
  hasForbidden(translation: string): boolean
}

/**
 * Spells the terms of a glossary in tokens: behind a space, as they are and with a capital; and without a space in front in
 * scripts that have none.
 *
 * @param tokenizer Of the translations.
 * @throws ArgumentError if it is made of anything else, a term is no text or cannot be written by the model, or what is
 *   forced is forbidden.
 */
export function glossaryTerms(glossary: Glossary, tokenizer: Tokenizer): GlossaryTerms {
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
  const forbidden = forbid.flatMap((term) => [finder(term, 'u'), finder(capitalized(term), 'u')])
  const hasForbidden = (translation: string) => forbidden.some((isIn) => isIn(translation))
  const words = entries.map(([source, terms]) => {
    checkTerms('glossary.force', source === undefined ? terms : [source, ...terms])
    if (terms.length === 0) throw noTerms(source)
    const contradiction = terms.find(hasForbidden)
    if (contradiction !== undefined) throw forcedAndForbidden(contradiction)
    return {
      isIn: source === undefined ? () => true : finder(source, 'iu'),
      ways: shortest(terms.flatMap((term) => spelled(term, tokenizer))),
    }
  })
  return {
    forced: (sentence) => words.filter(({ isIn }) => isIn(sentence)).map(({ ways }) => ways),
    hasForbidden,
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
 * Tells whether a text has a term: as whole words, or anywhere where its script puts no space between words. The kind of
 * white space does not matter, nor do capitals where the flags say so.
 */
function finder(term: string, flags: 'u' | 'iu'): (text: string) => boolean {
  const trimmed = term.trim()
  const characters = Array.from(trimmed)
  const escaped = trimmed.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+')
  const start = isUnspaced.test(characters[0]!) ? '' : `(?<!${inWord})`
  const end = isUnspaced.test(characters.at(-1)!) ? '' : `(?!${inWord})`
  const pattern = new RegExp(start + escaped + end, flags)
  return (text) => pattern.test(text)
}

/** The ways to write a term in tokens, without those around a text. @throws ArgumentError if there is none. */
function spelled(term: string, tokenizer: Tokenizer): number[][] {
  const options = { maxLength: Infinity, addSpecialTokens: false }
  const encode = (text: string) => tokenizer.encode(text, undefined, options).inputIds
  // Behind a letter, tokens without a space would make one word with it; where nothing is in front, the space goes.
  const ways = [` ${term}`, ` ${capitalized(term)}`].map(encode)
  if (isUnspaced.test(Array.from(term.trim())[0]!)) ways.push(tokensBehind('、', term.trim(), encode))
  // What a vocabulary lacks becomes the unknown token, which is no term. Tokenizers may change the form of characters.
  const hasTerm = finder(term.normalize('NFKC'), 'iu')
  const writable = ways.filter((way) => hasTerm(tokenizer.decode(way).normalize('NFKC')))
  if (writable.length === 0) throw unwritable(term)
  return writable
}

/** The tokens of a text behind another; none where the two share one. */
function tokensBehind(before: string, text: string, encode: (text: string) => number[]): number[] {
  const [start, all] = [encode(before), encode(before + text)]
  return start.every((token, at) => all[at] === token) ? all.slice(start.length) : []
}

/** Each that no other begins, once: who has written the shorter one has written the term. */
const shortest = (ways: readonly number[][]): number[][] => {
  const distinct = [...new Map(ways.map((way) => [way.join(), way])).values()]
  const begins = (way: readonly number[], other: readonly number[]) =>
    other !== way && other.every((token, at) => way[at] === token)
  return distinct.filter((way) => !distinct.some((other) => begins(way, other)))
}

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

const forcedAndForbidden = (term: string) =>
  new ArgumentError({
    function: 'translate',
    argument: 'glossary.forbid',
    expected: 'terms that are not forced',
    received: `what the forced '${term}' has`,
    remedy: 'Take it out of one of the two.',
  })

const unwritable = (term: string) =>
  new ArgumentError({
    function: 'translate',
    argument: 'glossary.force',
    expected: "terms in the letters of the model's vocabulary",
    received: `'${term}'`,
    remedy: 'Spell it otherwise, or leave it out: this model has no tokens for it.',
  })

function checkTerms(argument: string, terms: unknown): void {
  const given: readonly unknown[] = Array.isArray(terms) ? terms : [terms]
  for (const term of given) {
    const fault = textFault(term)
    if (fault) throw new ArgumentError({ function: 'translate', argument, ...fault })
  }
}
