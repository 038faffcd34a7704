import { applyRules, unescapeEntities } from './bleu-tokenizers'
import { splitWords } from './white-space'

/** How TER cuts a text into words; the defaults are sacreBLEU's. */
export interface TerTokenizerOptions {
  /** Whether punctuation becomes words of its own and `&amp;` and the like are undone; default false. */
  normalized?: boolean
  /** Whether punctuation counts; default true. sacreBLEU's `no_punct`, inverted. */
  punctuation?: boolean
  /** Whether the two options before also know Chinese and Japanese characters and punctuation; default false. */
  asianSupport?: boolean
  /** Whether case counts; default false. */
  caseSensitive?: boolean
}

type Rules = readonly (readonly [RegExp, string])[]

/** `Normalizer.java` of Tercom, as in sacreBLEU's `tokenizer_ter.py`. */
const westernRules: Rules = [
  [/([{-~[-` -&(-+:-@/])/gu, ' $1 '],
  [/'s /gu, " 's "],
  [/([^0-9])([.,])/gu, '$1 $2 '],
  [/([.,])([^0-9])/gu, ' $1 $2'],
  [/([0-9])(-)/gu, '$1 $2 '],
]

const asianPunctuation = /([\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb])/gu
const fullWidthPunctuation = /([\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09])/gu

/**
 * Chinese characters, and punctuation. The reference's rules for kana are left out: they ask for the start of a text that
 * always starts with a space, and so never apply.
 */
const asianRules: Rules = [
  [/([\u4e00-\u9fff\u3400-\u4dbf])/gu, ' $1 '],
  [/([\u31c0-\u31ef\u2e80-\u2eff])/gu, ' $1 '],
  [/([\u3300-\u33ff\uf900-\ufaff\ufe30-\ufe4f])/gu, ' $1 '],
  // Up to U+3F22, as there: meant is U+32FF.
  [/([\u3200-\u3f22])/gu, ' $1 '],
  [asianPunctuation, ' $1 '],
  [fullWidthPunctuation, ' $1 '],
]

/** A function from a text to its words, as Tercom cuts them. */
export function createTerTokenizer(options: TerTokenizerOptions): (text: string) => string[] {
  const { normalized = false, punctuation = true, asianSupport = false, caseSensitive = false } = options
  return (text) => {
    let line = caseSensitive ? text : text.toLowerCase()
    if (normalized) line = normalize(line, asianSupport)
    if (!punctuation) {
      line = line.replace(/[.,?:;!"()]/gu, '')
      if (asianSupport) line = line.replace(asianPunctuation, '').replace(fullWidthPunctuation, '')
    }
    return splitWords(line)
  }
}

function normalize(text: string, asianSupport: boolean): string {
  const line = unescapeEntities(text.replaceAll('\n-', '').replaceAll('\n', ' '))
  const western = applyRules(` ${line} `, westernRules)
  return asianSupport ? applyRules(western, asianRules) : western
}
