import { ArgumentError } from '@tfx/common'
import { tokenText } from './token-text'

/** Which tokens stand around a text, by the family of its model. */
export type LanguageFamily = 'mbart' | 'mbart50' | 'nllb' | 'm2m100' | 'marian'

/** The languages of a tokenizer that marks texts with theirs, or with the one to translate to (Marian). */
export interface TokenizerLanguages {
  readonly family: LanguageFamily
  /** The id of each language's token, by code: `en_XX` (mBART), `eng_Latn` (NLLB), `en` (M2M100), `de` (Marian). */
  readonly tokens: ReadonlyMap<string, number>
}

/** What a tokenizer puts around the tokens of a text. */
export interface Surroundings {
  readonly before: readonly string[]
  readonly after: readonly string[]
}

const forms: readonly { form: RegExp; family: LanguageFamily }[] = [
  { form: /^([a-z]{2}_[A-Z]{2})$/, family: 'mbart' },
  { form: /^([a-z]{3}_[A-Z][a-z]{3})$/, family: 'nllb' },
  { form: /^__([a-z]{2,3})__$/, family: 'm2m100' },
  { form: /^>>(.+)<<$/, family: 'marian' },
]

/** mBART has so many languages; mBART-50 has them, more, and another place for their tokens. */
const mbartLanguages = 25

/**
 * Finds the languages of a tokenizer by the form of their tokens.
 *
 * @param tokens The tokens that are found whole in texts, with their ids; of Marian all tokens.
 */
export function findLanguages(tokens: Iterable<readonly [string, number]>): TokenizerLanguages | undefined {
  const found = new Map<LanguageFamily, Map<string, number>>()
  for (const [token, id] of tokens) {
    for (const { form, family } of forms) {
      const code = form.exec(token)?.[1]
      if (code === undefined) continue
      found.set(family, (found.get(family) ?? new Map<string, number>()).set(code, id))
    }
  }
  const [largest] = [...found].sort(([, first], [, second]) => second.size - first.size)
  if (largest === undefined) return undefined
  const [family, codes] = largest
  const isLater = family === 'mbart' && codes.size > mbartLanguages
  return { family: isLater ? 'mbart50' : family, tokens: codes }
}

/** The token of a language. */
export function languageToken(family: LanguageFamily, code: string): string {
  if (family === 'm2m100') return `__${code}__`
  return family === 'marian' ? `>>${code}<<` : code
}

/**
 * What stands around a text of a language, or before one to be translated to it (Marian), as transformers has it.
 *
 * @param config The parsed tokenizer_config.json.
 */
export function surroundings(
  family: LanguageFamily,
  code: string,
  config: Readonly<Record<string, unknown>>,
): Surroundings {
  const token = languageToken(family, code)
  const end = tokenText(config.eos_token) ?? '</s>'
  if (family === 'mbart') return { before: [], after: [end, token] }
  const isLegacy = family === 'nllb' && config.legacy_behaviour === true
  return isLegacy ? { before: [], after: [end, token] } : { before: [token], after: [end] }
}

/**
 * The code by which a model knows a language.
 *
 * @param language That code, or another of the language: `de` and `deu` for `de_DE`, `deu_Latn` and `de`.
 * @param known The codes of the model.
 * @param caller The function and argument to name in the error.
 * @throws ArgumentError if the model knows no such language, or several.
 */
export function resolveLanguage(
  language: string,
  known: Iterable<string>,
  caller: { function: string; argument: string },
): string {
  const codes = [...known]
  if (codes.length === 0) {
    throw new ArgumentError({
      ...caller,
      expected: 'absent: the model marks no languages',
      received: `'${language}'`,
      remedy: 'Leave it out, or take a model of several languages.',
    })
  }
  if (codes.includes(language)) return language
  const wanted = canonical(language)
  const same = codes.filter((code) => wanted !== undefined && canonical(code)?.tag === wanted.tag)
  const alike = codes.filter((code) => wanted !== undefined && canonical(code)?.language === wanted.language)
  const isWhole = wanted !== undefined && wanted.tag !== wanted.language
  const found = same.length > 0 ? same : isWhole ? [] : alike
  if (found.length === 1) return found[0]!
  const shown = found.length > 1 ? found : codes
  throw new ArgumentError({
    ...caller,
    expected: `a language that the model knows: ${listed(shown)}`,
    received: `'${language}'`,
    remedy: found.length > 1 ? 'Say which of them.' : 'Take one of them, or a base that knows the language.',
  })
}

/** BCP 47's form of a code, and its language alone; undefined if it is none. */
function canonical(code: string): { tag: string; language: string } | undefined {
  try {
    const { language, script } = new Intl.Locale(code.replaceAll('_', '-'))
    return { tag: [language, script].filter(Boolean).join('-'), language }
  } catch {
    return undefined
  }
}

function listed(codes: readonly string[]): string {
  const shown = codes.slice(0, 12).join(', ')
  return codes.length > 12 ? `${shown} and ${codes.length - 12} more` : shown
}
