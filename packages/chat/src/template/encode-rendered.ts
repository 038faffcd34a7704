import type { Tokenizer } from '@tfx/core'
import type { Span } from './assistant-spans'
import { piecesOf } from './control-tokens'

/** A rendered dialogue as a model reads it. */
export interface EncodedRendering {
  readonly inputIds: number[]
  /** 1 for every token with a part of a span, else 0; where spans were given. */
  readonly assistantMask?: number[]
}

/**
 * Encodes a rendered dialogue as transformers does (`apply_chat_template(tokenize=True)`), control tokens that somebody wrote
 * as text. A token counts as the assistant's if any character of it does.
 */
export function encodeRendered(
  rendered: string,
  { tokenizer, spans }: { tokenizer: Tokenizer; spans?: readonly Span[] | undefined },
): EncodedRendering {
  const parts: number[][] = []
  const masks: number[][] = []
  const added = new Set(tokenizer.addedTokens.map(({ text }) => text))
  const pieces = piecesOf(rendered, (text) => added.has(text))
  for (const [index, { text, start, isText }] of pieces.entries()) {
    const cut = (part: string, isFirst: boolean) =>
      isFirst ? encodePart(tokenizer, part, isText) : encodeInside(tokenizer, part, isText)
    const isFirst = index === 0
    const ids = cut(text, isFirst)
    parts.push(ids)
    if (!spans) continue
    const inside = spans
      .map((span) => ({
        start: Math.max(span.start - start, 0),
        end: Math.min(span.end - start, text.length),
      }))
      .filter((span) => span.end > span.start)
    const edges = tokenEdges(text, ids, {
      tokenizer,
      offsets: inside.flatMap((span) => [span.start, span.end]),
      encode: (part, isBeginning) => cut(part, isFirst && isBeginning),
    })
    const mask = new Array<number>(ids.length).fill(0)
    for (const at of inside.keys()) mask.fill(1, edges[2 * at]!.first, edges[2 * at + 1]!.behind)
    masks.push(mask)
  }
  return { inputIds: parts.flat(), ...(spans && { assistantMask: masks.flat() }) }
}

const encodePart = (tokenizer: Tokenizer, text: string, isText: boolean): number[] =>
  text === ''
    ? []
    : tokenizer.encode(text, undefined, {
        maxLength: Infinity,
        addSpecialTokens: false,
        addedTokensAsText: isText,
      }).inputIds

/** Encodes what is not the beginning of a text: behind a line feed, so that SentencePiece puts no space before it. */
function encodeInside(tokenizer: Tokenizer, text: string, isText: boolean): number[] {
  const lineFeed = encodePart(tokenizer, '\n', isText)
  const ids = encodePart(tokenizer, `\n${text}`, isText)
  return lineFeed.every((id, index) => ids[index] === id)
    ? ids.slice(lineFeed.length)
    : encodePart(tokenizer, text, isText)
}

/** The tokens at an offset of a text: the first with a character behind it, and one behind the last with one before it. */
interface Edge {
  readonly first: number
  readonly behind: number
}

/** Finds the tokens at ascending offsets of a text that was encoded to `ids`. */
function tokenEdges(
  text: string,
  ids: readonly number[],
  {
    tokenizer,
    offsets,
    encode,
  }: {
    tokenizer: Tokenizer
    offsets: readonly number[]
    encode: (part: string, isBeginning: boolean) => number[]
  },
): Edge[] {
  const cuts = [0, ...offsets, text.length]
  const parts = cuts.slice(1).map((end, index) => encode(text.slice(cuts[index], end), index === 0))
  // As a rule the parts have the tokens of the whole.
  if (isSame(parts.flat(), ids)) {
    let place = 0
    return offsets.map((_, index) => {
      place += parts[index]!.length
      return { first: place, behind: place }
    })
  }
  return offsets.map((offset) => edgeAt(ids, encode(text.slice(0, offset), true), tokenizer))
}

/**
 * Where the tokens of a beginning of a text end among those of the whole. Both may be cut differently, so that their texts
 * are compared.
 */
function edgeAt(ids: readonly number[], beginning: readonly number[], tokenizer: Tokenizer): Edge {
  const differing = beginning.findIndex((id, index) => ids[index] !== id)
  if (differing === -1) return { first: beginning.length, behind: beginning.length }
  // The text before the place where they differ tells nothing; a little of it has the decoder not take it for a beginning.
  const from = Math.max(0, differing - 3)
  const textOf = (tokens: readonly number[]) => tokenizer.decode(tokens, { skipSpecialTokens: false })
  const wanted = textOf(beginning.slice(from))
  let first = differing
  let isClean = false
  for (let end = differing + 1; end <= ids.length; end++) {
    const given = textOf(ids.slice(from, end))
    if (wanted.startsWith(given)) {
      first = end
      isClean = given === wanted
    }
    if (given.length > wanted.length + 1) break
  }
  return { first, behind: isClean ? first : Math.min(first + 1, ids.length) }
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, index) => id === b[index])
