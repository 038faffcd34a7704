/** Neighbouring pieces of all words: how often each pair occurs, and in which words. */
class PairIndex {
  counts = new Map()
  words = new Map()

  add(pair, word, count) {
    this.counts.set(pair, (this.counts.get(pair) ?? 0) + count)
    if (!this.words.has(pair)) this.words.set(pair, new Set())
    this.words.get(pair).add(word)
  }

  mostFrequent() {
    let best
    let bestCount = 1
    for (const [pair, count] of this.counts) {
      if (count > bestCount || (count === bestCount && best !== undefined && pair < best)) {
        best = pair
        bestCount = count
      }
    }
    return best
  }
}

/**
 * Joins the most frequent neighbours again and again (byte-pair encoding); ties go to the pair that comes first in
 * alphabetical order, so that the result is the same on every machine.
 * @param {{ count: number, pieces: string[] }[]} words changed in place
 * @param {(merge: { left: string, right: string }) => boolean} onMerge told of each merge; false ends it
 * @param {(left: string, right: string) => string} join
 */
export function mergePairs(words, onMerge, join = (left, right) => left + right) {
  const index = new PairIndex()
  const countPairs = (word, sign) => {
    for (let at = 0; at + 1 < word.pieces.length; at++)
      index.add(`${word.pieces[at]} ${word.pieces[at + 1]}`, word, sign * word.count)
  }
  for (const word of words) countPairs(word, 1)
  for (;;) {
    const pair = index.mostFrequent()
    if (pair === undefined) return
    const [left, right] = pair.split(' ')
    if (!onMerge({ left, right })) return
    for (const word of index.words.get(pair)) {
      countPairs(word, -1)
      word.pieces = mergePair(word.pieces, { left, right }, join)
      countPairs(word, 1)
    }
    index.counts.delete(pair)
    index.words.delete(pair)
  }
}

function mergePair(pieces, { left, right }, join) {
  const merged = []
  for (let at = 0; at < pieces.length; at++) {
    if (pieces[at] === left && pieces[at + 1] === right) {
      merged.push(join(left, right))
      at++
    } else {
      merged.push(pieces[at])
    }
  }
  return merged
}
