/**
 * The white space of Python, which templates trim: not U+FEFF as in JavaScript, but some control characters. A class of
 * characters for regular expressions.
 */
export const pythonSpace = String.raw`[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`
