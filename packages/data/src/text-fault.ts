/** What is wrong with a text, as the fields of an error say it. */
export interface TextFault {
  readonly expected: string
  readonly received: string
  readonly remedy: string
}

// Tabs, line feeds and carriage returns are layout.
// eslint-disable-next-line no-control-regex -- they are what is looked for
const control = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/

/** A surrogate without its other half. */
const half = /\p{Cs}/u

/**
 * What keeps a text from being read by a model: that it is no string, blank, or holds control characters or half of a
 * surrogate pair, which no text has on purpose.
 *
 * @returns undefined if nothing does.
 */
export function textFault(text: unknown): TextFault | undefined {
  if (typeof text !== 'string') {
    return { expected: 'a string', received: text === null ? 'null' : typeof text, remedy: 'Pass a text.' }
  }
  if (text.trim() === '') {
    return { expected: 'a text', received: 'a blank one', remedy: 'Leave it out, or fill it in.' }
  }
  const found = control.exec(text)
  if (found) {
    const code = text.charCodeAt(found.index).toString(16).toUpperCase().padStart(4, '0')
    return {
      expected: 'text without control characters',
      received: `U+${code} at ${found.index}`,
      remedy: 'Remove them; a file of text rarely has any.',
    }
  }
  const place = text.search(half)
  if (place < 0) return undefined
  return {
    expected: 'well-formed Unicode',
    received: `half of a surrogate pair at ${place}`,
    remedy: 'Do not cut texts inside a character, or repair them by text.toWellFormed().',
  }
}
