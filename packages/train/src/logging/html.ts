/** Markup, as opposed to text that is still to be escaped. */
export interface Html {
  readonly markup: string
}

type HtmlValue = string | number | Html | readonly HtmlValue[] | undefined

/**
 * Markup from a template. Every value that is not markup itself is escaped, so that no text of a data set can become a tag,
 * an attribute or a script; lists are joined, undefined is nothing.
 *
 * @example
 * ```ts
 * html`<td title="${text}">${text}</td>`
 * ```
 */
export function html({ raw }: TemplateStringsArray, ...values: HtmlValue[]): Html {
  const parts = raw.map((part, index) => (index === 0 ? part : markupOf(values[index - 1]) + part))
  return { markup: parts.join('') }
}

function markupOf(value: HtmlValue): string {
  if (value === undefined) return ''
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value))
  return 'markup' in value ? value.markup : value.map(markupOf).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character]!)

/** A value as JSON that may stand in a script element: what would end the element is spelt in escapes. */
export function jsonBlock(value: unknown): Html {
  const json = JSON.stringify(value).replaceAll('<', '\\u003c')
  return { markup: `<script type="application/json">${json}</script>` }
}
