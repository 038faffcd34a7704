import { anyOf, generationEnd, generationStart, placeholderMark } from './control-tokens'
import type { ChatMessage } from './messages'
import { pythonSpace } from './python-space'

/** A stretch of a rendered dialogue that the assistant writes: from `start` up to `end`, in UTF-16 units. */
export interface Span {
  readonly start: number
  readonly end: number
}

const tag = (name: string) => new RegExp(`\\{%([-+]?)\\s*${name}\\s*([-+]?)%\\}`, 'g')

/** Whether a template says by `{% generation %}` what the assistant writes. */
export const marksGeneration = (source: string): boolean => tag('generation').test(source)

/**
 * Has a template write marks where `{% generation %}` and `{% endgeneration %}` stand. The Jinja library would ignore both
 * tags; blocks of another kind in their place keep what tags do to the white space around them.
 */
export const withGenerationMarks = (source: string): string =>
  source
    .replace(tag('generation'), `{%$1 if true %}${generationStart}{% endif $2%}`)
    .replace(tag('endgeneration'), `{%$1 if true %}${generationEnd}{% endif $2%}`)

/** Takes the marks of {@link withGenerationMarks} out of a rendered dialogue. */
export function takeGenerationMarks(rendered: string): { text: string; spans: Span[] } {
  const spans: Span[] = []
  let text = ''
  let start: number | undefined
  for (const part of rendered.split(/([\ufdd2\ufdd3])/)) {
    if (part === generationStart) start ??= text.length
    else if (part === generationEnd) {
      if (start !== undefined && text.length > start) spans.push({ start, end: text.length })
      start = undefined
    } else text += part
  }
  return { text, spans }
}

/** The messages with a placeholder in the place of everything that the assistant says, and what was said. */
export function withPlaceholders(messages: readonly ChatMessage[]): {
  messages: ChatMessage[]
  contents: string[]
} {
  const contents: string[] = []
  const replace = (content: string) => {
    if (trimmings(content).at(-1) === '') return content
    contents.push(content)
    return `${placeholderMark}${contents.length - 1}${placeholderMark}`
  }
  const replaced = messages.map((message): ChatMessage => {
    const { role, content } = message
    if (role !== 'assistant' || content === undefined || content === null) return message
    return {
      ...message,
      content:
        typeof content === 'string'
          ? replace(content)
          : content.map((part) => (part.text === undefined ? part : { ...part, text: replace(part.text) })),
    }
  })
  return { messages: replaced, contents }
}

/**
 * Finds what the assistant says in a rendered dialogue by rendering it once more with placeholders: what stands between
 * them must be the same in both. Each span goes on over the special token that ends its turn.
 *
 * @param endings The special tokens of the tokenizer.
 * @returns undefined if the template does more to a content than to trim it.
 */
export function placeholderSpans(
  rendered: string,
  withPlaceholders: string,
  { contents, endings }: { contents: readonly string[]; endings: readonly string[] },
): Span[] | undefined {
  const parts = withPlaceholders.split(new RegExp(`${placeholderMark}(\\d+)${placeholderMark}`))
  if (parts.length !== contents.length * 2 + 1) return undefined
  const [first, ...others] = parts
  if (!rendered.startsWith(first!)) return undefined
  const ending = anyOf(endings, 'y')
  const spans: Span[] = []
  let place = first!.length
  for (const [index, content] of contents.entries()) {
    if (others[index * 2] !== String(index)) return undefined
    const following = others[index * 2 + 1]!
    const isLast = index === contents.length - 1
    const said = trimmings(content).find((variant) => {
      const rest = rendered.slice(place)
      return isLast ? rest === variant + following : rest.startsWith(variant + following)
    })
    if (said === undefined) return undefined
    const end = place + said.length
    spans.push({ start: place, end: end + endingLength(following, ending) })
    place = end + following.length
  }
  return spans
}

const spaceBefore = new RegExp(`^${pythonSpace}+`)

/** What a template may leave of a content: all of it, or without the white space at its ends. */
function trimmings(content: string): string[] {
  const trimEnd = (text: string) => {
    let end = text.length
    while (end > 0 && spaceBefore.test(text[end - 1]!)) end--
    return text.slice(0, end)
  }
  const trimStart = (text: string) => text.replace(spaceBefore, '')
  return [content, trimEnd(content), trimStart(content), trimStart(trimEnd(content))]
}

/** The length of the token that ends a turn, with the spaces before it; 0 where none follows. */
function endingLength(following: string, ending: RegExp | undefined): number {
  if (!ending) return 0
  const spaces = /^ */.exec(following)![0].length
  ending.lastIndex = spaces
  return ending.test(following) ? ending.lastIndex : 0
}
