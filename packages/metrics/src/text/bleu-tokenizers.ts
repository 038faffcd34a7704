import { splitWords, stripStart } from './white-space'

/**
 * How BLEU cuts a text into tokens, by sacreBLEU's names: `13a`, that of WMT's mteval-v13a; `intl`, mteval-v14's, by
 * Unicode's punctuation and symbols; `char`, every character; `zh`, every Chinese character, and the rest as `13a`;
 * `none`, at white space.
 */
export type BleuTokenizer = '13a' | 'intl' | 'char' | 'zh' | 'none'

/** Rules of sacreBLEU's `tokenizer_re`, applied one after another. */
const westernRules: readonly [RegExp, string][] = [
  [/([{-~[-` -&(-+:-@/])/gu, ' $1 '],
  // A period or comma, unless a digit stands before it; then unless one follows.
  [/([^0-9])([.,])/gu, '$1 $2 '],
  [/([.,])([^0-9])/gu, ' $1 $2'],
  [/([0-9])(-)/gu, '$1 $2 '],
]

const internationalRules: readonly [RegExp, string][] = [
  [/(\P{N})(\p{P})/gu, '$1 $2 '],
  [/(\p{P})(\P{N})/gu, ' $1 $2'],
  [/(\p{S})/gu, ' $1 '],
]

/**
 * What sacreBLEU's `zh` takes for Chinese. The reference means U+20000 to U+2A6D6 and U+2F800 to U+2FA1D, but its
 * `'\u20000'` is U+2000 and a zero: these ranges are what it compares with.
 */
const chinese =
  /([\u2001-\u2a6d\u2e80-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef\u3200-\u33ff\u3400-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef])/gu

const entities: readonly [RegExp, string][] = [
  [/&quot;/g, '"'],
  [/&amp;/g, '&'],
  [/&lt;/g, '<'],
  [/&gt;/g, '>'],
]

/** Replaces by one rule after another. */
export function applyRules(text: string, rules: readonly (readonly [RegExp, string])[]): string {
  return rules.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text)
}

/** `&quot;`, `&amp;`, `&lt;` and `&gt;` as the characters they stand for. */
export const unescapeEntities = (text: string): string => applyRules(text, entities)

/** The tokenizers; each expects a text without white space at its end. */
export const bleuTokenizers: Record<BleuTokenizer, (text: string) => string[]> = {
  '13a': (text) => {
    const line = text.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ')
    return splitWords(applyRules(` ${unescapeEntities(line)} `, westernRules))
  },
  intl: (text) => splitWords(applyRules(text, internationalRules)),
  char: (text) => splitWords(text).flatMap((word) => Array.from(word)),
  zh: (text) => splitWords(applyRules(stripStart(text).replace(chinese, ' $1 '), westernRules)),
  none: splitWords,
}
