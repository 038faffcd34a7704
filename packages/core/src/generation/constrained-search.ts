import {
  afterToken,
  bankOf,
  type ForcedWord,
  forcedWords,
  isComplete,
  longestOf,
  noProgress,
  wantedTokens,
  type WordsProgress,
} from './forced-words'
import type { GenerationConfig } from './generation-config'
import type { GenerationRun } from './generation-run'
import type { GeneratedSequence } from './sampling'
import { logSoftmax } from './scores'
import { createSelection } from './selection'
import { createTokenTree, root, type TokenTree } from './token-tree'

/** A sequence in progress. */
interface Beam {
  /** Its last token in the tree. */
  readonly node: number
  readonly score: number
  readonly progress: WordsProgress
  /** Where its scores are in the session's latest. */
  readonly source: number
}

/** A sequence that may be the answer. */
interface Hypothesis {
  readonly tokens: number[]
  /** Divided by its length to the power of `lengthPenalty`. */
  readonly score: number
  readonly finish: 'eos' | 'length'
}

/** The search for one prompt. */
interface Search {
  readonly prompt: number
  beams: Beam[]
  /** At most `numBeams`. */
  hypotheses: Hypothesis[]
  isOpen: boolean
}

/** A token behind a beam. */
interface Candidate {
  readonly parent: Beam
  readonly token: number
  readonly score: number
}

/** What the search for every prompt works with. */
interface Setting {
  readonly run: GenerationRun
  readonly tree: TokenTree
  /** Tokens of the longest way to write any word. */
  readonly longest: number
}

/**
 * Beam search for sequences that have the words of `forceWordsIds` (Anderson et al. 2017, arXiv:1612.00576, with the
 * banks of Post & Vilar 2018, arXiv:1804.06609), as `_constrained_beam_search` of Hugging Face transformers 4.52, the
 * last that had it. Two things differ: words in a decoder's prompt do not count as written, and a beam that could go on
 * with several ways to write a word does not lose what it has of it (there, copies of a state share a list). With
 * `keepForcedWords` those that have all words stay, which Post & Vilar want, and it does not.
 *
 * Where the words do not fit into the longest sequence, the likeliest sequences come back without all of them.
 */
export async function searchConstrained(run: GenerationRun): Promise<GeneratedSequence[][]> {
  const { config, session, promptLength, maxLength } = run
  const words = forcedWords(config)
  const setting = { run, tree: createTokenTree(), longest: Math.max(...words.map(longestOf)) }
  const searches = run.prompts.map((_, prompt) => newSearch(prompt, words, config.numBeams))
  let scores = session.scores
  for (let generated = 1; ; generated++) {
    for (const search of searches) if (search.isOpen) advance(search, setting, { scores, generated })
    const open = searches.filter(({ isOpen }) => isOpen)
    if (open.length === 0 || promptLength + generated >= maxLength) break
    run.checkAbort()
    const beams = open.flatMap((search) => search.beams)
    const tokens = beams.map(({ node }) => setting.tree.path(node).at(-1)!)
    scores = await session.next(
      Int32Array.from(tokens),
      Int32Array.from(beams, ({ source }) => source),
    )
    let row = 0
    for (const search of open) search.beams = search.beams.map((beam) => ({ ...beam, source: row++ }))
  }
  for (const search of searches) if (search.isOpen) finish(search, setting)
  return searches.map(({ hypotheses }) =>
    // Of equals the latest.
    [...hypotheses]
      .reverse()
      .sort((a, b) => b.score - a.score)
      .slice(0, config.numReturnSequences),
  )
}

/** All beams start as the prompt; only the first of them counts, or they would all go on alike. */
function newSearch(prompt: number, words: readonly ForcedWord[], numBeams: number): Search {
  const progress = noProgress(words)
  const beams = Array.from({ length: numBeams }, (_, beam): Beam => {
    return { node: root, score: beam === 0 ? 0 : -1e9, progress, source: prompt }
  })
  return { prompt, beams, hypotheses: [], isOpen: true }
}

/** One step of one search: its new beams, and what has ended. */
function advance(
  search: Search,
  setting: Setting,
  { scores, generated }: { scores: Float32Array; generated: number },
): void {
  const { run, tree } = setting
  const { config } = run
  const { eosTokenIds, numBeams, keepForcedWords } = config
  const rows = search.beams.map((beam) => scoresBehind(search, beam, { ...setting, scores }))
  const { vocabSize } = run.model
  const selection = createSelection(Math.max(2, 1 + eosTokenIds.length) * numBeams)
  rows.forEach((row, index) => {
    selection.scan(row, index * vocabSize)
  })
  const { indices, values } = selection.take()
  const end = (candidate: Candidate) => {
    const tokens = [...tree.path(candidate.parent.node), candidate.token]
    keep(
      search,
      { tokens, score: candidate.score / generated ** config.lengthPenalty, finish: 'eos' },
      config,
    )
  }
  const likeliest: Candidate[] = []
  const ended = new Set<Beam>()
  for (const [rank, at] of indices.entries()) {
    const parent = search.beams[Math.floor(at / vocabSize)]!
    const candidate = { parent, token: at % vocabSize, score: values[rank]! }
    if (!eosTokenIds.includes(candidate.token)) likeliest.push(candidate)
    else if (rank < numBeams && isComplete(parent.progress)) {
      end(candidate)
      ended.add(parent)
    }
    if (likeliest.length === numBeams) break
  }
  const wanted = search.beams.flatMap((parent, index) =>
    wantedTokens(parent.progress).map((token): Candidate => ({ parent, token, score: rows[index]![token]! })),
  )
  const complete = keepForcedWords ? completeBeams(search, rows, eosTokenIds) : []
  for (const { parent, ending } of complete) if (ending && !ended.has(parent)) end(ending)
  const kept = complete.map(({ goingOn }) => goingOn)
  search.beams = fromBanks(likeliest, [...wanted, ...kept], setting)
  search.isOpen = !isDone(search, { run, best: values[0]!, generated })
}

/** The likeliest way on of each sequence that has all words, and its end where that is likelier. */
function completeBeams(
  { beams }: Search,
  rows: readonly Float32Array[],
  eosTokenIds: readonly number[],
): { parent: Beam; goingOn: Candidate; ending: Candidate | undefined }[] {
  const selection = createSelection(1 + eosTokenIds.length)
  return beams.flatMap((parent, index) => {
    if (!isComplete(parent.progress)) return []
    selection.scan(rows[index]!)
    const { indices, values } = selection.take()
    const candidates = indices.map((token, rank): Candidate => ({ parent, token, score: values[rank]! }))
    const isEnd = ({ token }: Candidate) => eosTokenIds.includes(token)
    const goingOn = candidates.find((candidate) => !isEnd(candidate))!
    return [{ parent, goingOn, ending: candidates.slice(0, 1).find(isEnd) }]
  })
}

/** Scores of the sequences that end with each token behind a beam, [vocabSize]. */
function scoresBehind(
  { prompt }: Search,
  { node, score, source }: Beam,
  { run, tree, scores }: Setting & { scores: Float32Array },
): Float32Array {
  const { vocabSize } = run.model
  const own = scores.slice(source * vocabSize, (source + 1) * vocabSize)
  logSoftmax(own)
  const history = tree.history(node, { prompt, ...run.prompts[prompt]! })
  for (const process of run.processors) process(own, history)
  for (let token = 0; token < vocabSize; token++) own[token] = own[token]! + score
  return own
}

/** The new beams: the best of each bank, those with the most of the words first; then the second best of each, and so on. */
function fromBanks(
  likeliest: readonly Candidate[],
  wanted: readonly Candidate[],
  { tree, longest }: Setting,
): Beam[] {
  const known = new Set(likeliest.map((candidate) => sequenceOf(candidate, tree)))
  const more = wanted.filter((candidate) => {
    const sequence = sequenceOf(candidate, tree)
    if (known.has(sequence)) return false
    known.add(sequence)
    return true
  })
  const ordered = more.length === 0 ? likeliest : inTurn([...likeliest, ...more], longest)
  return ordered.slice(0, likeliest.length).map(({ parent, token, score }) => ({
    node: tree.add(parent.node, token),
    score,
    progress: afterToken(parent.progress, token),
    source: parent.source,
  }))
}

function inTurn(candidates: readonly Candidate[], longest: number): Candidate[] {
  const ranked = candidates
    .map((candidate) => {
      const bank = bankOf(afterToken(candidate.parent.progress, candidate.token), longest)
      return { candidate, bank, rank: Math.fround(100 * bank + candidate.score) }
    })
    .sort((a, b) => b.rank - a.rank)
  let turn = -1
  const turns = ranked.map(({ candidate, bank }, index) => {
    turn = index > 0 && ranked[index - 1]!.bank !== bank ? 0 : turn + 1
    return { candidate, turn }
  })
  return turns.sort((a, b) => a.turn - b.turn).map(({ candidate }) => candidate)
}

const sequenceOf = ({ parent, token }: Candidate, tree: TokenTree): string =>
  [...tree.path(parent.node), token].join()

/** Keeps the `numBeams` best hypotheses. */
function keep(search: Search, hypothesis: Hypothesis, { numBeams }: GenerationConfig): void {
  const { hypotheses } = search
  const worst = worstOf(search)
  if (hypotheses.length === numBeams && hypothesis.score <= worst) return
  const kept = [...hypotheses, hypothesis]
  if (kept.length > numBeams)
    kept.splice(
      kept.findIndex(({ score }) => score === worst),
      1,
    )
  search.hypotheses = kept
}

const worstOf = ({ hypotheses }: Search): number => Math.min(...hypotheses.map(({ score }) => score))

/** Whether nothing better than what has ended is to be expected. */
function isDone(
  search: Search,
  { run, best, generated }: { run: GenerationRun; best: number; generated: number },
): boolean {
  const { numBeams, earlyStopping, lengthPenalty } = run.config
  if (search.hypotheses.length < numBeams) return false
  if (earlyStopping === true) return true
  const isPatient = earlyStopping === 'never' && lengthPenalty > 0
  const length = isPatient ? run.maxLength - run.promptLength : generated
  return worstOf(search) >= best / length ** lengthPenalty
}

/** At the longest length: adds the beams with all words, and the others where those are too few. */
function finish(search: Search, { run, tree }: Setting): void {
  const { config } = run
  const add = ({ node, score }: Beam) => {
    const tokens = tree.path(node)
    keep(search, { tokens, score: score / tokens.length ** config.lengthPenalty, finish: 'length' }, config)
  }
  const complete = search.beams.filter(({ progress }) => isComplete(progress))
  complete.forEach(add)
  if (complete.length >= config.numReturnSequences) return
  search.beams.filter(({ progress }) => !isComplete(progress)).forEach(add)
}
