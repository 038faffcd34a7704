import { EngineError, type Random } from '@tfx/common'

/** The largest of the scores: its first index. NaN is never the largest. */
export function argmax(scores: Float32Array): number {
  let best = 0
  let largest = -Infinity
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!
    if (score > largest) {
      largest = score
      best = index
    }
  }
  return best
}

/** The logarithm of the sum of the exponentials; −Infinity if every score is. */
export function logSumExp(scores: Float32Array): number {
  const largest = scores[argmax(scores)]!
  if (largest === -Infinity) return largest
  let sum = 0
  for (const score of scores) sum += Math.exp(score - largest)
  return largest + Math.log(sum)
}

/** Replaces scores by the logarithms of their softmax, in place. */
export function logSoftmax(scores: Float32Array): void {
  const total = logSumExp(scores)
  for (let index = 0; index < scores.length; index++) scores[index] = scores[index]! - total
}

/**
 * Draws an index with the probabilities softmax(scores).
 *
 * @throws EngineError if no score is a finite number, or one is NaN.
 */
export function sampleIndex(scores: Float32Array, random: Random): number {
  const largest = scores[argmax(scores)]!
  let total = 0
  for (const score of scores) total += Math.exp(score - largest)
  if (!(total > 0 && total < Infinity)) throw invalidScores()
  let left = random.next() * total
  let chosen = 0
  for (let index = 0; index < scores.length; index++) {
    const weight = Math.exp(scores[index]! - largest)
    if (weight === 0) continue
    chosen = index
    left -= weight
    if (left < 0) break
  }
  return chosen
}

function invalidScores(): EngineError {
  return new EngineError({
    function: 'generate',
    argument: 'scores',
    expected: 'finite for at least one token, and NaN for none',
    received: 'scores that no token can be drawn from',
    remedy: 'Check that the constraints leave a token to choose, or set removeInvalidValues.',
  })
}
