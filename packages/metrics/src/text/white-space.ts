/*
 * White space as Python's `str.split`, `str.strip` and `re` understand it, since the references count words by it.
 * JavaScript's `\s` lacks U+001C to U+001F and U+0085, and has U+FEFF.
 */
const space = String.raw`[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`
const spaces = new RegExp(`${space}+`, 'u')
const leading = new RegExp(`^${space}+`, 'u')
const trailing = new RegExp(`(?<!${space})${space}+$`, 'u')

/** The words between white space: Python's `text.split()`. */
export function splitWords(text: string): string[] {
  return text.split(spaces).filter((word) => word !== '')
}

/** The text without white space at its end: Python's `text.rstrip()`. */
export function stripEnd(text: string): string {
  return text.replace(trailing, '')
}

/** The text without white space at its start: Python's `text.lstrip()`. */
export function stripStart(text: string): string {
  return text.replace(leading, '')
}
