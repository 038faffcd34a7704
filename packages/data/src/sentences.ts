import { ArgumentError } from '@tfx/common'

/** A sentence, and what stands between it and the next. */
export interface Sentence {
  /** Without white space at its ends; empty only for what stands before the first sentence. */
  readonly text: string
  /** The white space behind it; empty in scripts that need none, and perhaps at the end of the text. */
  readonly separator: string
}

/** How {@link splitSentences} reads a text. */
export interface SentenceOptions {
  /**
   * Whether a sentence may go on behind a line break, as in text wrapped at 80 columns: then only empty lines end one. Default
   * false: every line break does, so that headings and lists keep their lines.
   */
  wrapped?: boolean
}

/**
 * Cuts a text into sentences: behind `.`, `!`, `?` and their like in other scripts, with quotes and brackets that close, if
 * white space follows and then no small letter; in Chinese and Japanese without white space. Not behind common
 * abbreviations, initials and the numbers of lists. The texts with their separators, joined, are the text again, to the byte.
 * The rules are of this package, since `Intl.Segmenter` takes a time that grows with the square of the text's length.
 *
 * @throws ArgumentError on what is no text.
 *
 * @example
 * ```ts
 * splitSentences('Dr. Who came.  Then he left.')
 * // [{ text: 'Dr. Who came.', separator: '  ' }, { text: 'Then he left.', separator: '' }]
 * ```
 */
export function splitSentences(text: string, { wrapped = false }: SentenceOptions = {}): Sentence[] {
  if (typeof text !== 'string') {
    throw new ArgumentError({
      function: 'splitSentences',
      argument: 'text',
      expected: 'a string',
      received: typeof text,
      remedy: 'Convert it to a string first.',
    })
  }
  return splitBlocks(text, wrapped).flatMap(({ text: block, separator }) => {
    const sentences = splitBlock(block)
    const last = sentences.pop()
    return [...sentences, { text: last?.text ?? '', separator: (last?.separator ?? '') + separator }]
  })
}

/** The text of sentences: the inverse of {@link splitSentences}. */
export function joinSentences(sentences: Iterable<Sentence>): string {
  let text = ''
  for (const sentence of sentences) text += sentence.text + sentence.separator
  return text
}

const lineBreak = /\r\n|[\n\v\f\r\u2028\u2029]/g

/** Cuts where a sentence ends whatever its words: at line breaks, or at empty lines. White space at the text's ends stands alone. */
function splitBlocks(text: string, wrapped: boolean): Sentence[] {
  const blocks: Sentence[] = []
  let start = 0
  for (const { 0: space, index } of text.matchAll(/\s+/g)) {
    const isBreak = (space.match(lineBreak)?.length ?? 0) >= (wrapped ? 2 : 1)
    const isInside = index > 0 && index + space.length < text.length
    if (isInside && !isBreak) continue
    blocks.push({ text: text.slice(start, index), separator: space })
    start = index + space.length
  }
  if (start < text.length) blocks.push({ text: text.slice(start), separator: '' })
  return blocks
}

/** Marks that end a sentence; `wide` ones do so without white space behind them. */
const marks = { narrow: '.!?…‽؟۔।॥։።።။', wide: '。｡！？．' }
const closers = String.raw`["'”’»›)\]」』）】》〉］]{0,4}`
const openers = String.raw`["'“‘„«‹(\[¿¡–—-]{0,3}`
const sentenceEnd = new RegExp(
  `[${marks.wide}]${closers}(\\s*)(?![\\s${marks.wide}])|[${marks.narrow}]${closers}(\\s+)(?!\\s|${openers}\\p{Ll})`,
  'gu',
)

/** The sentences of a block, each with the white space behind it. */
function splitBlock(block: string): Sentence[] {
  const sentences: Sentence[] = []
  let start = 0
  for (const { 0: end, 1: wide, 2: narrow, index } of block.matchAll(sentenceEnd)) {
    const separator = wide ?? narrow ?? ''
    const next = index + end.length
    const text = block.slice(start, next - separator.length)
    if (next < block.length && goesOn(text)) continue
    sentences.push({ text, separator })
    start = next
  }
  if (start < block.length) sentences.push({ text: block.slice(start), separator: '' })
  return sentences
}

/** Abbreviations that names and numbers follow, in lower case without the last period. */
const abbreviations = new Set(
  // English; German; French, Spanish, Italian, Portuguese, Dutch.
  (
    'mr mrs ms dr prof rev hon gen col capt lt sgt st mt gov sen rep pres vs etc cf al ca approx dept est fig figs eq ' +
    'eqs sec ch vol vols ed eds no nos p pp jan feb mar apr jun jul aug sep sept oct nov dec inc ltd co corp bros jr sr ' +
    'hr hrn fr nr str bzw evtl ggf inkl usw vgl zzgl abb bd hrsg jh geb gest sog ' +
    'm mm mme mlle mgr sr sra srta dña ud uds pág págs núm ej av dott sig sigg ing avv dhr mevr bijv blz'
  ).split(' '),
)

/** Longer than any abbreviation: the end of a sentence of any length is looked at in constant time. */
const longestEnding = 24

/**
 * Whether what looks like a sentence is not its end: it ends in an abbreviation (`Dr.`), one with periods inside
 * (`e.g.`), an initial (`J.`), or has no letters at all (`2.` of a list, `1)`).
 */
function goesOn(text: string): boolean {
  const ending = text.slice(-longestEnding)
  if (!ending.endsWith('.')) return false
  const word =
    ending
      .slice(0, -1)
      .split(/[\s("'“„‘«[]/u)
      .at(-1) ?? ''
  if (/^\p{L}$/u.test(word) || /^(?:\p{L}{1,2}\.)+\p{L}{1,2}$/u.test(word)) return true
  if (abbreviations.has(word.toLowerCase())) return true
  return text.length <= longestEnding && /^[^\p{L}]+$/u.test(text)
}
