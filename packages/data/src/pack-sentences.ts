import { ArgumentError } from '@tfx/common'
import { joinSentences, type Sentence } from './sentences'

/** How {@link packSentences} packs. */
export interface PackOptions {
  /** The most tokens of a chunk. */
  maxTokens: number
  /** How many tokens a text has, without special tokens. */
  countTokens: (text: string) => number
}

/**
 * Packs sentences, in order, into as few chunks of at most `maxTokens` as whole sentences allow. A sentence that is longer
 * alone is cut between words, and a word that is longer between characters, so that nothing is lost: the chunks, joined with
 * what separates them, are the text again. Chunks come as they are asked for.
 *
 * @param sentences For instance those of `splitSentences`.
 * @returns The chunks' texts and separators, as sentences have them. A single character of more tokens than `maxTokens` is a
 *   chunk that is too long.
 * @throws ArgumentError if `maxTokens` is not an integer of at least 1.
 *
 * @example
 * ```ts
 * const sentences = splitSentences('One two. Three. Four five six.')
 * const countTokens = (text: string) => text.split(/\s+/).length
 * const chunks = [...packSentences(sentences, { maxTokens: 3, countTokens })]
 * chunks.map(({ text }) => text) // [ 'One two. Three.', 'Four five six.' ]
 * ```
 */
export function* packSentences(
  sentences: Iterable<Sentence>,
  { maxTokens, countTokens }: PackOptions,
): Generator<Sentence, void, undefined> {
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new ArgumentError({
      function: 'packSentences',
      argument: 'maxTokens',
      expected: 'an integer of at least 1',
      received: String(maxTokens),
      remedy: 'Pass what the model takes, less its special tokens.',
    })
  }
  let open: Sentence[] = []
  let tokens = 0
  for (const sentence of sentences) {
    const more = countTokens(sentence.text)
    if (open.length > 0 && tokens + more > maxTokens) {
      yield* split(open, { maxTokens, countTokens })
      open = []
      tokens = 0
    }
    open.push(sentence)
    tokens += more
  }
  yield* split(open, { maxTokens, countTokens })
}

/** These as one chunk, or, as long as that is too long, in halves: joined texts can have more tokens than each alone. */
function* split(parts: readonly Sentence[], options: PackOptions): Generator<Sentence, void, undefined> {
  const last = parts.at(-1)
  if (last === undefined) return
  const text = joinSentences(parts.slice(0, -1)) + last.text
  if (options.countTokens(text) <= options.maxTokens) {
    yield { text, separator: last.separator }
  } else if (parts.length > 1) {
    const middle = Math.ceil(parts.length / 2)
    yield* split(parts.slice(0, middle), options)
    yield* split(parts.slice(middle), options)
  } else {
    const pieces = cut(last)
    // The words of a sentence are packed as sentences are.
    if (pieces.length > 1) yield* packSentences(pieces, options)
    else yield last
  }
}

/** The words of a sentence, or the halves of a word; a single character alone. */
function cut({ text, separator }: Sentence): Sentence[] {
  const words = Array.from(text.matchAll(/(\s*\S+)(\s*)/g), ([, word = '', space = '']) => ({
    text: word,
    separator: space,
  }))
  const pieces = words.length > 1 ? words : halves(text).map((half) => ({ text: half, separator: '' }))
  return [...pieces.slice(0, -1), { text: pieces.at(-1)?.text ?? '', separator }]
}

/** Both halves of a text, not cut inside a surrogate pair; one if there is nothing to cut. */
function halves(text: string): string[] {
  const half = text.length >> 1
  const middle = (text.codePointAt(half - 1) ?? 0) > 0xffff ? half + 1 : half
  return [text.slice(0, middle), text.slice(middle)].filter((each) => each !== '')
}
