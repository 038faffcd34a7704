import { createEditDistance, type Edit, type EditDistance } from './edit-distance'

/** Tercom's limits, and how many shifts sacreBLEU tries at most for one pair of texts. */
const maxShiftSize = 10
const maxShiftDistance = 50
const maxCandidates = 1000

/**
 * The least number of edits that the search of sacreBLEU's `translation_edit_rate` finds to turn a hypothesis into a
 * reference: each moves a run of words, or inserts, deletes or replaces one. It takes the shift that shortens the edit
 * distance most, until none does.
 */
export function countEdits(hypothesis: readonly string[], reference: readonly string[]): number {
  if (reference.length === 0) return hypothesis.length
  const distances = createEditDistance(reference, hypothesis.length)
  let words = hypothesis
  let shifts = 0
  let candidates = 0
  for (;;) {
    distances.remember(words)
    const found = findBestShift(words, reference, { distances, candidates })
    candidates = found.candidates
    // Out of patience the reference stops before it takes the last shift.
    if (candidates >= maxCandidates || found.gain <= 0) break
    shifts++
    words = found.words
  }
  return shifts + distances.distance(words)
}

interface Shift {
  /** By how much the edit distance is less afterwards. */
  gain: number
  /** How many words are moved. */
  length: number
  /** Where they stood. */
  start: number
  /** Before which word they are put. */
  target: number
  words: readonly string[]
}

/** The best shift by Tercom's ranking, and how many have been tried by then; a gain of 0 if there is none. */
function findBestShift(
  words: readonly string[],
  reference: readonly string[],
  { distances, candidates }: { distances: EditDistance; candidates: number },
): Pick<Shift, 'gain' | 'words'> & { candidates: number } {
  const distance = distances.distance(words)
  const alignment = align(distances.edits(words))
  let best: Shift | undefined
  for (const { start, referenceStart, length } of findEqualRuns(words, reference)) {
    // Only words that are wrong where they stand move, and only to where something is wrong.
    if (!alignment.wordErrors.slice(start, start + length).includes(true)) continue
    if (!alignment.referenceErrors.slice(referenceStart, referenceStart + length).includes(true)) continue
    const aligned = alignment.positions[referenceStart] ?? -1
    if (start <= aligned && aligned < start + length) continue
    let previous = -1
    for (let offset = -1; offset < length && referenceStart + offset < reference.length; offset++) {
      const place = referenceStart + offset
      const target = place === -1 ? 0 : (alignment.positions[place] ?? -1) + 1
      if (target === previous) continue
      previous = target
      const moved = moveRun(words, { start, length, target })
      const shift = { gain: distance - distances.distance(moved), length, start, target, words: moved }
      candidates++
      if (best === undefined || isBetter(shift, best)) best = shift
    }
    if (candidates >= maxCandidates) break
  }
  return { gain: best?.gain ?? 0, words: best?.words ?? words, candidates }
}

/** Tercom's ranking: the most gain, then the longest, then the first to stand, then the first to go. */
function isBetter(shift: Shift, other: Shift): boolean {
  if (shift.gain !== other.gain) return shift.gain > other.gain
  if (shift.length !== other.length) return shift.length > other.length
  if (shift.start !== other.start) return shift.start < other.start
  return shift.target < other.target
}

/** Puts a run of words before the word at `target`, counted before anything moves. */
function moveRun(
  words: readonly string[],
  { start, length, target }: { start: number; length: number; target: number },
): string[] {
  const run = words.slice(start, start + length)
  const end = start + length
  if (target < start) {
    return [...words.slice(0, target), ...run, ...words.slice(target, start), ...words.slice(end)]
  }
  // A target inside the run counts from the run's end, as in the reference.
  const after = target > end ? target : length + target
  return [...words.slice(0, start), ...words.slice(end, after), ...run, ...words.slice(after)]
}

/** Every run of up to ten words that stands in both texts, not too far apart. */
function* findEqualRuns(
  words: readonly string[],
  reference: readonly string[],
): Generator<{ start: number; referenceStart: number; length: number }> {
  for (let start = 0; start < words.length; start++) {
    const last = Math.min(reference.length - 1, start + maxShiftDistance)
    for (
      let referenceStart = Math.max(0, start - maxShiftDistance);
      referenceStart <= last;
      referenceStart++
    ) {
      const longest = Math.min(maxShiftSize, words.length - start, reference.length - referenceStart)
      for (let length = 1; length <= longest; length++) {
        if (words[start + length - 1] !== reference[referenceStart + length - 1]) break
        yield { start, referenceStart, length }
      }
    }
  }
}

interface Alignment {
  /** For each word of the reference, the word of the hypothesis that stands there, or stands before it; -1 for none. */
  positions: number[]
  wordErrors: boolean[]
  referenceErrors: boolean[]
}

function align(edits: readonly Edit[]): Alignment {
  const alignment: Alignment = { positions: [], wordErrors: [], referenceErrors: [] }
  let position = -1
  for (const edit of edits) {
    if (edit !== 'insert') {
      position++
      alignment.wordErrors.push(edit !== 'keep')
    }
    if (edit !== 'delete') {
      alignment.positions.push(position)
      alignment.referenceErrors.push(edit !== 'keep')
    }
  }
  return alignment
}
