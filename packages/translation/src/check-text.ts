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

/** What keeps a text from being translated or learned from; undefined if nothing does. */
export function faultOf(text: unknown): TextFault | undefined {
  if (typeof text !== 'string') {
    return { expected: 'a string', received: text === null ? 'null' : typeof text, remedy: 'Pass a text.' }
  }
  if (text.trim() === '') {
    return { expected: 'a text', received: 'a blank one', remedy: 'Leave it out, or fill it in.' }
  }
  const character = control.exec(text)?.[0]
  if (character !== undefined) {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0')
    return {
      expected: 'text without control characters',
      received: `U+${code.toUpperCase()} in '${excerpt(text)}'`,
      remedy: 'Remove them; a file of text rarely has any.',
    }
  }
  if (!half.test(text)) return undefined
  return {
    expected: 'well-formed Unicode',
    received: `half of a surrogate pair in '${excerpt(text.replace(half, '\ufffd'))}'`,
    remedy: 'Do not cut texts inside a character, or repair them by text.toWellFormed().',
  }
}

const excerpt = (text: string): string => JSON.stringify(text.slice(0, 40)).slice(1, -1)
