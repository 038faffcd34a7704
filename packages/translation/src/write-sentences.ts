import { ArgumentError } from '@tfx/common'
import type { TranslationTokens } from '@tfx/core'
import type { WriteOptions } from '@tfx/transfer'
import type { GlossaryTerms } from './glossary'
import type { TranslationLanguageModel } from './translate'

/** How sentences are written. */
export interface SentenceWriting {
  readonly tokens: TranslationTokens
  readonly terms: GlossaryTerms
  readonly options: WriteOptions
}

/** A sentence to translate. */
interface Job {
  readonly sentence: string
  /** The terms that its translation must have, each as its spellings. */
  readonly forced: readonly (readonly (readonly number[])[])[]
  /** Tokens that spelled forbidden terms. */
  readonly banned: readonly (readonly number[])[]
}

/**
 * Sentences → translations; each sentence is written once, however often it occurs.
 *
 * A term can be spelled in many tokens, and its tokens begin other words too. So it is translations that are looked at: where
 * one has a forbidden term, the tokens that spelled it are banned for its sentence, and that is written again.
 *
 * @throws ArgumentError as `generate`, and if a sentence is never written without a forbidden term.
 */
export async function writeSentences(
  model: TranslationLanguageModel,
  sentences: readonly string[],
  writing: SentenceWriting,
): Promise<ReadonlyMap<string, string>> {
  const { tokens, terms } = writing
  const decode = (ids: readonly number[]) => tokens.target.decode(ids).trim()
  const translations = new Map<string, string>()
  let jobs: Job[] = [...new Set(sentences)].map((sentence) => {
    return { sentence, forced: terms.forced(sentence), banned: [] }
  })
  for (let round = 1; jobs.length > 0; round++) {
    const again: Job[] = []
    for (const { job, ids } of await writeJobs(model, jobs, writing)) {
      const translation = decode(ids)
      if (terms.hasForbidden(translation)) {
        if (round === mostRounds) throw neverWithout(job.sentence, translation)
        const found = forbiddenTokens(ids, (part) => terms.hasForbidden(decode(part)))
        const more = round > roundsOfSpellings ? tokensNotOf(job.forced, found) : [found]
        again.push({ ...job, banned: [...job.banned, ...more] })
      } else {
        translations.set(job.sentence, translation)
      }
    }
    jobs = again
  }
  return translations
}

/** How often a spelling is banned; then its tokens are, each by itself, but for those of forced terms. */
const roundsOfSpellings = 6
const mostRounds = 40

function tokensNotOf(forced: Job['forced'], found: readonly number[]): number[][] {
  const needed = new Set(forced.flat(2))
  return found.filter((token) => !needed.has(token)).map((token) => [token])
}

/** Writes all, those together that have the same terms. */
async function writeJobs(
  model: TranslationLanguageModel,
  jobs: readonly Job[],
  { tokens, options }: SentenceWriting,
): Promise<{ job: Job; ids: readonly number[] }[]> {
  const { badWordsIds = model.generation.badWordsIds ?? [], numBeams = model.generation.numBeams ?? 1 } =
    options
  const groups = new Map<string, Job[]>()
  for (const job of jobs) {
    const key = JSON.stringify([job.forced, job.banned])
    groups.set(key, [...(groups.get(key) ?? []), job])
  }
  const results: { job: Job; ids: readonly number[] }[] = []
  for (const group of groups.values()) {
    const { forced, banned } = group[0]!
    const prompts = group.map(
      ({ sentence }) =>
        tokens.source.encode(tokens.prefix + sentence, undefined, { maxLength: model.maxLength }).inputIds,
    )
    const written = await model.write(prompts, {
      ...options,
      ...tokens.generation,
      ...(banned.length > 0 && { badWordsIds: [...badWordsIds, ...banned] }),
      ...(forced.length > 0 && {
        forceWordsIds: forced,
        keepForcedWords: true,
        numBeams: numBeams > 1 ? numBeams : 4,
      }),
    })
    results.push(...group.map((job, index) => ({ job, ids: written[index]![0]!.tokens })))
  }
  return results
}

/**
 * The fewest tokens in a row that spell a forbidden term. It must be one beside their neighbours too: of "Berl" and "in", the
 * second is no word.
 */
function forbiddenTokens(
  ids: readonly number[],
  hasForbidden: (part: readonly number[]) => boolean,
): readonly number[] {
  for (let length = 1; length < ids.length; length++) {
    for (let start = 0; start + length <= ids.length; start++) {
      const part = ids.slice(start, start + length)
      if (!hasForbidden(part)) continue
      if (hasForbidden(ids.slice(Math.max(0, start - 1), start + length + 1))) return part
    }
  }
  return ids
}

const neverWithout = (sentence: string, translation: string) =>
  new ArgumentError({
    function: 'translate',
    argument: 'glossary.forbid',
    expected: 'terms that translations can do without',
    received: `one of them in all ${mostRounds} translations of '${sentence}', such as '${translation}'`,
    remedy: 'Forbid less, or force less.',
  })
