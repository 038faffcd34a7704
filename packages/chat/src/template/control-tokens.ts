import type { AddedToken } from '@tfx/core'

// Characters that Unicode keeps for use inside programs. They are taken out of what others wrote before they are used.
const controlStart = '\ufdd0'
const controlEnd = '\ufdd1'
/** Stands before what the assistant writes, in a rendered dialogue. */
export const generationStart = '\ufdd2'
/** Stands behind what the assistant writes. */
export const generationEnd = '\ufdd3'
/** Stands around the number of a placeholder. */
export const placeholderMark = '\ufdd4'

const reserved = /[\ufdd0-\ufdd4]/g

/** Finds in what others wrote the tokens that only a template may write. */
export interface ControlTokens {
  /** Marks them in every string of a value, at any depth. */
  mark<T>(value: T): T
  /** Takes those marks out of a rendered dialogue that keep nothing apart. */
  settle(rendered: string): string
}

/**
 * The tokens that mean something to the model: special ones, and added ones that the template writes. As transformers'
 * `apply_chat_template(sanitize_control_tokens=True)` decides it.
 */
export function controlTokens(added: readonly AddedToken[], template: string): ControlTokens {
  const written = template.replace(/\{#.*?#\}/gs, '')
  const texts = added
    .filter(({ text, isSpecial }) => isSpecial || (written.includes(text) && text.trim() !== ''))
    .map(({ text }) => text)
    .filter((text) => text !== '')
  const pattern = anyOf(texts)
  const longest = texts.reduce((length, text) => Math.max(length, text.length), 0)
  const beginnings = beginningsByLastCharacter(texts)
  return {
    mark(value) {
      const strings: string[] = []
      const clean = mapStrings(value, (text) => {
        const kept = text.replace(reserved, '')
        strings.push(kept)
        return kept
      })
      const rests = restsToComplete(strings, beginnings)
      return mapStrings(clean, (text) => {
        const marked = pattern ? text.replace(pattern, `${controlStart}$&${controlEnd}`) : text
        // Two strings that a template joins must not become a token.
        return rests.some((rest) => text.trimStart().startsWith(rest))
          ? marked.replace(/^\s*/, `$&${controlStart}`)
          : marked
      })
    },
    settle: (rendered) =>
      rendered.replace(/\ufdd0(?![^\ufdd0\ufdd1]*\ufdd1)/g, (mark, place: number) =>
        pattern && isTokenAcross(rendered, place, { pattern, longest }) ? mark : '',
      ),
  }
}

/** Whether what stands before and behind a place makes a token together. */
function isTokenAcross(
  rendered: string,
  place: number,
  { pattern, longest }: { pattern: RegExp; longest: number },
): boolean {
  // Marks may lie between.
  const before = withoutMarks(rendered.slice(Math.max(0, place - 2 * longest), place)).slice(1 - longest)
  const behind = withoutMarks(rendered.slice(place, place + 2 * longest)).slice(0, longest - 1)
  return [...(before + behind).matchAll(pattern)].some(
    ({ index, 0: token }) => index < before.length && index + token.length > before.length,
  )
}

/** The last character of a proper beginning of a token → such beginnings, with what completes them. */
function beginningsByLastCharacter(texts: readonly string[]): ReadonlyMap<string, [string, string][]> {
  const byLast = new Map<string, [string, string][]>()
  for (const text of texts) {
    for (let cut = 1; cut < text.length; cut++) {
      const last = text[cut - 1]!
      const found = byLast.get(last) ?? []
      found.push([text.slice(0, cut), text.slice(cut)])
      byLast.set(last, found)
    }
  }
  return byLast
}

/** What would make a token of the end of one of these strings. */
function restsToComplete(
  strings: readonly string[],
  beginnings: ReadonlyMap<string, [string, string][]>,
): string[] {
  const rests = new Set<string>()
  for (const text of strings) {
    const end = text.trimEnd()
    for (const [beginning, rest] of beginnings.get(end.at(-1) ?? '') ?? []) {
      if (end.endsWith(beginning)) rests.add(rest)
    }
  }
  return [...rests]
}

function mapStrings<T>(value: T, change: (text: string) => string): T {
  const map = (part: unknown): unknown => {
    if (typeof part === 'string') return change(part)
    if (Array.isArray(part)) return part.map(map)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, map(inner)]))
  }
  return map(value) as T
}

/** A part of a rendered dialogue. */
export interface RenderedPiece {
  readonly text: string
  /** Where it begins in the rendered dialogue, markers counted. */
  readonly start: number
  /** Whether somebody wrote a control token here, which stays text. */
  readonly isText: boolean
}

/**
 * Cuts a rendered dialogue at the marks that {@link ControlTokens.mark} made; marks that a template tore apart are
 * dropped, but still keep apart what is beside them.
 *
 * @param isToken Whether a text is an added token, and no more.
 */
export function piecesOf(rendered: string, isToken: (text: string) => boolean): RenderedPiece[] {
  const pieces: RenderedPiece[] = []
  const marks = /[\ufdd0\ufdd1]/g
  const add = (start: number, end: number) => {
    const text = rendered.slice(start, end)
    const isText = rendered[start - 1] === controlStart && rendered[end] === controlEnd && isToken(text)
    if (text !== '') pieces.push({ text, start, isText })
  }
  let start = 0
  for (const { index } of rendered.matchAll(marks)) {
    add(start, index)
    start = index + 1
  }
  add(start, rendered.length)
  return pieces
}

/** A rendered dialogue as people may see it. */
export const withoutMarks = (rendered: string): string => rendered.replace(reserved, '')

/** A pattern of any of these texts, the longest first; undefined for none. */
export function anyOf(texts: readonly string[], flags = 'g'): RegExp | undefined {
  if (texts.length === 0) return undefined
  const escaped = [...texts]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(escaped.join('|'), flags)
}
