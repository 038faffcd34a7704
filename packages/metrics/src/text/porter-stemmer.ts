/**
 * The stem of an English word: Porter's algorithm ("An algorithm for suffix stripping", 1980) with the changes of NLTK's
 * `PorterStemmer`, which `rouge_score` uses: its stems decide what is the same word there.
 *
 * @param word In lower case.
 */
export function stem(word: string): string {
  const irregular = irregularStems.get(word)
  if (irregular !== undefined) return irregular
  if (word.length <= 2) return word
  return steps.reduce((result, step) => step(result), word)
}

const irregularStems = new Map([
  ['sky', 'sky'],
  ['skies', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
  ['news', 'news'],
  ['innings', 'inning'],
  ['inning', 'inning'],
  ['outings', 'outing'],
  ['outing', 'outing'],
  ['cannings', 'canning'],
  ['canning', 'canning'],
  ['howe', 'howe'],
  ['proceed', 'proceed'],
  ['exceed', 'exceed'],
  ['succeed', 'succeed'],
])

/** A suffix, what takes its place, and what must be true of the word without the suffix. */
type Rule = readonly [suffix: string, replacement: string, condition: (stem: string) => boolean]

const always = () => true
const positive = (stem: string) => measure(stem) > 0
const aboveOne = (stem: string) => measure(stem) > 1

/** Applies the first rule whose suffix fits; if its condition does not hold, no other is tried. */
function applyRules(word: string, rules: readonly Rule[]): string {
  for (const [suffix, replacement, condition] of rules) {
    if (!word.endsWith(suffix)) continue
    const stem = word.slice(0, word.length - suffix.length)
    return condition(stem) ? stem + replacement : word
  }
  return word
}

const rulesWith = (condition: Rule[2], suffixes: Record<string, string>): Rule[] =>
  Object.entries(suffixes).map(([suffix, replacement]) => [suffix, replacement, condition])

const plurals = rulesWith(always, { sses: 'ss', ies: 'i', ss: 'ss', s: '' })

const doubleSuffixes: readonly Rule[] = [
  ...rulesWith(positive, {
    ational: 'ate',
    tional: 'tion',
    enci: 'ence',
    anci: 'ance',
    izer: 'ize',
    bli: 'ble',
    alli: 'al',
    entli: 'ent',
    eli: 'e',
    ousli: 'ous',
    ization: 'ize',
    ation: 'ate',
    ator: 'ate',
    alism: 'al',
    iveness: 'ive',
    fulness: 'ful',
    ousness: 'ous',
    aliti: 'al',
    iviti: 'ive',
    biliti: 'ble',
    fulli: 'ful',
  }),
  // The l counts as part of the stem, so that `geologi` is like `archaeologi`.
  ['logi', 'log', (stem) => positive(`${stem}l`)],
]

const singleSuffixes = rulesWith(positive, {
  icate: 'ic',
  ative: '',
  alize: 'al',
  iciti: 'ic',
  ical: 'ic',
  ful: '',
  ness: '',
})

const endings: readonly Rule[] = [
  ...['al', 'ance', 'ence', 'er', 'ic', 'able', 'ible', 'ant', 'ement', 'ment', 'ent'].map((suffix): Rule => [
    suffix,
    '',
    aboveOne,
  ]),
  ['ion', '', (stem) => aboveOne(stem) && /[st]$/.test(stem)],
  ...['ou', 'ism', 'ate', 'iti', 'ous', 'ive', 'ize'].map((suffix): Rule => [suffix, '', aboveOne]),
]

/** Steps 1a to 5b of the paper. */
const steps: readonly ((word: string) => string)[] = [
  (word) => (word.length === 4 && word.endsWith('ies') ? word.slice(0, -1) : applyRules(word, plurals)),
  stripParticiple,
  (word) => applyRules(word, [['y', 'i', (stem) => stem.length > 1 && consonants(stem).at(-1) === true]]),
  stripDoubleSuffix,
  (word) => applyRules(word, singleSuffixes),
  (word) => applyRules(word, endings),
  stripFinalE,
  (word) => (word.endsWith('ll') && aboveOne(word.slice(0, -1)) ? word.slice(0, -1) : word),
]

/** Step 1b: `eed`, `ed` and `ing`. */
function stripParticiple(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, word.length === 4 ? -1 : -2)
  if (word.endsWith('eed')) return positive(word.slice(0, -3)) ? word.slice(0, -1) : word
  const suffix = ['ed', 'ing'].find((each) => word.endsWith(each) && hasVowel(word.slice(0, -each.length)))
  if (suffix === undefined) return word
  const stem = word.slice(0, -suffix.length)
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1)
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem
}

/** Step 2; `alli` goes first, and what it leaves is looked at again. */
function stripDoubleSuffix(word: string): string {
  if (word.endsWith('alli') && positive(word.slice(0, -4))) return stripDoubleSuffix(word.slice(0, -2))
  return applyRules(word, doubleSuffixes)
}

/** Step 5a. */
function stripFinalE(word: string): string {
  if (!word.endsWith('e')) return word
  const stem = word.slice(0, -1)
  return aboveOne(stem) || (measure(stem) === 1 && !endsShort(stem)) ? stem : word
}

/** Which letters are consonants: all but a, e, i, o, u, and y after a consonant. */
function consonants(word: string): boolean[] {
  const flags: boolean[] = []
  for (const letter of word) {
    flags.push(letter === 'y' ? flags.at(-1) !== true : !'aeiou'.includes(letter))
  }
  return flags
}

/** The paper's m: how many times consonants follow vowels. */
const measure = (stem: string): number =>
  consonants(stem).filter((consonant, place, flags) => consonant && flags[place - 1] === false).length

const hasVowel = (stem: string): boolean => consonants(stem).includes(false)

const endsInDoubleConsonant = (word: string): boolean =>
  word.length >= 2 && word.at(-1) === word.at(-2) && consonants(word).at(-1) === true

/** The paper's *o, consonant, vowel, consonant other than w, x and y at the end; or NLTK's vowel and consonant alone. */
function endsShort(word: string): boolean {
  const [first, second, third] = consonants(word).slice(-3)
  if (word.length === 2) return first === false && second === true
  return first === true && second === false && third === true && !/[wxy]$/.test(word)
}
