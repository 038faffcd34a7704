import { createRandom, mixSeed } from '@tfx/common'
import type { GenerationRun } from './generation-run'
import type { GeneratedSequence } from './sampling'
import { logSoftmax } from './scores'
import { createSelection, type Selection } from './selection'
import type { FinishReason } from './stopping'
import { createTokenTree, root, type TokenTree } from './token-tree'

/** Below every real score: what is not a sequence, as in Hugging Face's beam search. */
const nothing = -1e9

interface Beam {
  /** Its last token in the tree. */
  readonly node: number
  readonly score: number
}

interface FinishedBeam extends Beam {
  readonly finish?: FinishReason
}

/** A beam search of its own: the beams of one prompt, or of one group of them. */
interface Search {
  readonly prompt: number
  /** Seeds its draws. */
  readonly index: number
  running: Beam[]
  /** Where the scores of each running beam are in the session's latest. */
  sources: number[]
  finished: FinishedBeam[]
  isOpen: boolean
}

/** A continuation of a running beam. */
interface Candidate {
  readonly beam: number
  readonly node: number
  readonly score: number
  readonly finish: FinishReason | undefined
}

/**
 * Beam search, beam sampling and diverse beam search, with the bookkeeping of `_beam_search` of Hugging Face
 * transformers 5: running and finished beams, candidates enough that all that end leave as many that go on. Groups end
 * as in `_group_beam_search` of transformers 4.52, the last that had it.
 */
export async function searchBeams(run: GenerationRun): Promise<GeneratedSequence[][]> {
  const { config, session } = run
  const tree = createTokenTree()
  const size = config.numBeams / config.numBeamGroups
  const selection = createSelection(Math.max(2, 1 + config.eosTokenIds.length) * size)
  const searches = run.prompts.flatMap((_, prompt) =>
    Array.from({ length: config.numBeamGroups }, (_, group) => newSearch(prompt, group, size)),
  )
  const padding = config.padTokenId === undefined ? [] : Array<number>(size).fill(config.padTokenId)
  let scores = session.scores
  for (let generated = 1; ; generated++) {
    const chosen = new Map<number, number[]>()
    for (const search of searches) {
      const earlier = chosen.get(search.prompt) ?? []
      const { isOpen } = search
      if (isOpen) advance(search, { run, tree, selection, scores, generated, earlier })
      // A group that has finished goes on with padding, which later groups avoid too.
      const own = isOpen ? lastTokens(search, tree) : padding
      chosen.set(search.prompt, [...earlier, ...own])
    }
    const open = searches.filter(({ isOpen }) => isOpen)
    if (open.length === 0) break
    run.checkAbort()
    const beams = open.flatMap((search) => lastTokens(search, tree))
    const rows = open.flatMap(({ sources }) => sources)
    scores = await session.next(Int32Array.from(beams), Int32Array.from(rows))
    let row = 0
    for (const search of open) search.sources = search.running.map(() => row++)
  }
  return run.prompts.map((_, prompt) => {
    const found = searches.filter((search) => search.prompt === prompt).flatMap(({ finished }) => finished)
    const best = found.sort((a, b) => b.score - a.score).slice(0, config.numReturnSequences)
    return best.map(({ node, score, finish }) => ({
      tokens: tree.path(node),
      score,
      finish: finish ?? 'length',
    }))
  })
}

const lastTokens = ({ running }: Search, tree: TokenTree): number[] =>
  running.map(({ node }) => tree.path(node).at(-1)!)

/** All beams start as the prompt; only the first of them counts, or they would all go on alike. */
function newSearch(prompt: number, group: number, size: number): Search {
  return {
    prompt,
    index: group,
    running: Array.from({ length: size }, (_, beam) => ({ node: root, score: beam === 0 ? 0 : nothing })),
    sources: Array<number>(size).fill(prompt),
    finished: Array.from({ length: size }, () => ({ node: root, score: nothing })),
    isOpen: true,
  }
}

/** Ended by itself, not by the limit of its length. */
const hasEnded = ({ finish }: { finish?: FinishReason | undefined }): boolean =>
  finish !== undefined && finish !== 'length'

interface Step {
  readonly run: GenerationRun
  readonly tree: TokenTree
  readonly selection: Selection
  readonly scores: Float32Array
  /** The length of the continuations, this step's token included. */
  readonly generated: number
  /** Tokens that earlier groups of the prompt chose in this step. */
  readonly earlier: readonly number[]
}

/** One step of one search: its new running and finished beams. */
function advance(search: Search, step: Step): void {
  const { run, generated } = step
  const { config, promptLength, maxLength } = run
  const { earlyStopping, lengthPenalty, numBeamGroups } = config
  const isGroup = numBeamGroups > 1
  const size = search.running.length
  const candidates = topCandidates(search, step)
  const going = candidates
    .map((candidate) => ({
      ...candidate,
      score: Math.fround(candidate.score + (hasEnded(candidate) ? nothing : 0)),
    }))
    .sort((a, b) => b.score - a.score)
    .slice(0, size)
  const isFull = earlyStopping === true && search.finished.every(({ finish }) => finish !== undefined)
  // Only what ends among the best `size` candidates counts as finished.
  const ended = candidates.slice(0, size).flatMap(({ node, score, finish }) => {
    if (finish === undefined || isFull) return []
    const share = score / generated ** lengthPenalty
    return [{ node, finish, score: isGroup ? share : Math.fround(share) }]
  })
  const isEnough =
    isGroup &&
    earlyStopping === true &&
    search.finished.filter(hasEnded).length + ended.filter(hasEnded).length >= size
  search.finished = [...search.finished, ...ended.filter((beam) => !isEnough || hasEnded(beam))]
    .sort((a, b) => b.score - a.score)
    .slice(0, size)
  search.running = going.map(({ node, score }) => ({ node, score }))
  search.sources = going.map(({ beam }) => search.sources[beam]!)

  const bestLength = earlyStopping === 'never' && lengthPenalty > 0 ? maxLength - promptLength : generated
  // A group also hopes for what has just ended, and compares without rounding.
  const best = (isGroup ? candidates[0]! : search.running[0]!).score / bestLength ** lengthPenalty
  const worst = Math.min(...search.finished.map(({ score }) => score))
  const canImprove = search.finished.some(({ finish }) => best > (finish === undefined ? nothing : worst))
  const isDone = earlyStopping === true && search.finished.every(({ finish }) => finish !== undefined)
  search.isOpen = canImprove && !isDone && candidates.some(({ finish }) => finish === undefined)
}

/** The best continuations of all running beams, best first. */
function topCandidates(
  search: Search,
  { run, tree, selection, scores, generated, earlier }: Step,
): Candidate[] {
  const { model, config, processors, stopping } = run
  const prompt = run.prompts[search.prompt]!
  const { vocabSize } = model
  const noise = config.doSample ? gumbelNoise(run.seed, [search.prompt, search.index, generated]) : undefined
  const plain: number[] = []
  search.running.forEach((beam, index) => {
    const start = search.sources[index]! * vocabSize
    // The processors change it, and other beams may go on from the same scores.
    const own = scores.slice(start, start + vocabSize)
    logSoftmax(own)
    for (const token of earlier) own[token] = own[token]! - config.diversityPenalty
    const history = tree.history(beam.node, { prompt: search.prompt, ...prompt })
    for (const process of processors) process(own, history)
    selection.scan(noise ? own.map((score) => score + noise()) : own, index * vocabSize, beam.score)
    if (noise) plain.push(...own)
  })
  const { indices, values } = selection.take()
  return indices.map((at, rank) => {
    const beam = Math.floor(at / vocabSize)
    const token = at % vocabSize
    const node = tree.add(search.running[beam]!.node, token)
    const score = noise ? Math.fround(plain[at]! + search.running[beam]!.score) : values[rank]!
    const history = tree.history(node, { prompt: search.prompt, ...prompt })
    return { beam, node, score, finish: stopping(history, generated) }
  })
}

/** With it the largest of log probabilities are draws without replacement (Kool et al. 2019, arXiv:1903.06059). */
function gumbelNoise(seed: number, path: readonly number[]): () => number {
  const random = createRandom(path.reduce((mixed, counter) => mixSeed(mixed, counter), seed))
  return () => -Math.log(-Math.log(Math.max(random.next(), Number.MIN_VALUE)))
}
