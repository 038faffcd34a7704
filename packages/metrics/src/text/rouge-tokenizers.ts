import { stem } from './porter-stemmer'

/**
 * How ROUGE cuts a text into words, in lower case: `latin`, that of `rouge_score`, keeps runs of a to z and digits, and
 * nothing else; `unicode` keeps runs of letters, their marks and digits of any script, and cuts between the characters of
 * scripts that are written without spaces (Chinese characters, kana, Thai, Lao, Khmer, Burmese).
 */
export type RougeTokenizer = 'latin' | 'unicode'

const unspaced = String.raw`[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]`
const word = new RegExp(
  String.raw`(?=[\p{L}\p{N}])${unspaced}\p{M}*|(?:(?!${unspaced})[\p{L}\p{M}\p{N}])+`,
  'gu',
)

/** The tokenizers. */
export const rougeTokenizers: Record<RougeTokenizer, (text: string) => string[]> = {
  latin: (text) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [],
  unicode: (text) => text.normalize('NFC').toLowerCase().match(word) ?? [],
}

/** Words of more than three letters by their stem. */
export const stemTokens = (tokens: readonly string[]): string[] =>
  tokens.map((token) => (token.length > 3 ? stem(token) : token))
