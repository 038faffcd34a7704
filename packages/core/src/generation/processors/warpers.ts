import { createSelection, leaders } from '../selection'
import { argmax, logSumExp } from '../scores'
import type { LogitsProcessor } from './processor'

/** Divides scores by the temperature: below 1 sharpens the distribution, above 1 flattens it. */
export function temperature(value: number): LogitsProcessor {
  return (scores) => {
    for (let index = 0; index < scores.length; index++) scores[index] = scores[index]! / value
  }
}

/**
 * Keeps the `count` likeliest tokens (and ties with the last of them). Fan et al., 2018, "Hierarchical
 * Neural Story Generation".
 */
export function topK(count: number, minTokensToKeep = 1): LogitsProcessor {
  const kept = Math.max(count, minTokensToKeep)
  const selection = createSelection(kept)
  return (scores) => {
    if (kept >= scores.length) return
    selection.scan(scores)
    const threshold = selection.take().values.at(-1)!
    for (let index = 0; index < scores.length; index++) {
      if (scores[index]! < threshold) scores[index] = -Infinity
    }
  }
}

/**
 * Keeps the fewest likeliest tokens whose probabilities reach `mass`. Holtzman et al., 2019, "The Curious
 * Case of Neural Text Degeneration".
 */
export function topP(mass: number, minTokensToKeep = 1): LogitsProcessor {
  return (scores) => {
    const total = logSumExp(scores)
    let covered = 0
    let count = 0
    const kept = leaders(scores, (index) => {
      covered += Math.exp(scores[index]! - total)
      return ++count >= minTokensToKeep && covered >= mass
    })
    keepOnly(scores, kept)
  }
}

/** Keeps tokens that are at least `share` as likely as the likeliest. Nguyen et al., 2024, "Min-p Sampling". */
export function minP(share: number, minTokensToKeep = 1): LogitsProcessor {
  return (scores) => {
    keepAbove(scores, { threshold: scores[argmax(scores)]! + Math.log(share), minTokensToKeep })
  }
}

/**
 * Keeps the tokens whose surprise is nearest to the expected surprise (the entropy), up to a probability
 * mass. Meister et al., 2022, "Locally Typical Sampling".
 */
export function typicalP(mass: number, minTokensToKeep = 1): LogitsProcessor {
  let keys = new Float32Array(0)
  return (scores) => {
    if (keys.length !== scores.length) keys = new Float32Array(scores.length)
    const total = logSumExp(scores)
    const uncertainty = entropy(scores, total)
    for (let index = 0; index < scores.length; index++) {
      keys[index] = -Math.abs(total - scores[index]! - uncertainty)
    }
    let covered = 0
    let count = 0
    let last = Infinity
    // Tokens exactly as typical as the last one that the mass needs stay too, as in the reference.
    const visited = leaders(keys, (index) => {
      const key = keys[index]!
      if (last !== Infinity && key < last) return true
      covered += Math.exp(scores[index]! - total)
      if (++count >= minTokensToKeep && covered >= mass && last === Infinity) last = key
      return false
    })
    keepOnly(scores, visited.length > count ? visited.slice(0, count) : visited)
  }
}

/** Keeps tokens of at least this probability. Hewitt et al., 2022, "Truncation Sampling". */
export function epsilonCutoff(epsilon: number, minTokensToKeep = 1): LogitsProcessor {
  return (scores) => {
    keepAbove(scores, { threshold: logSumExp(scores) + Math.log(epsilon), minTokensToKeep })
  }
}

/** As {@link epsilonCutoff}, with a threshold that falls with the entropy. Hewitt et al., 2022. */
export function etaCutoff(epsilon: number, minTokensToKeep = 1): LogitsProcessor {
  return (scores) => {
    const total = logSumExp(scores)
    const eta = Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-entropy(scores, total)))
    keepAbove(scores, { threshold: total + Math.log(eta), minTokensToKeep })
  }
}

/** In nats; `total` is the scores' logSumExp. */
function entropy(scores: Float32Array, total: number): number {
  let sum = 0
  for (const score of scores) {
    const logProbability = score - total
    if (logProbability !== -Infinity) sum -= logProbability * Math.exp(logProbability)
  }
  return sum
}

function keepOnly(scores: Float32Array, indices: readonly number[]): void {
  const values = indices.map((index) => scores[index]!)
  scores.fill(-Infinity)
  indices.forEach((index, place) => {
    scores[index] = values[place]!
  })
}

/** Removes scores below the threshold, except the `minTokensToKeep` largest. */
function keepAbove(
  scores: Float32Array,
  { threshold, minTokensToKeep }: { threshold: number; minTokensToKeep: number },
): void {
  const selection = createSelection(Math.min(minTokensToKeep, scores.length))
  selection.scan(scores)
  const limit = Math.min(threshold, selection.take().values.at(-1)!)
  for (let index = 0; index < scores.length; index++) {
    if (scores[index]! < limit) scores[index] = -Infinity
  }
}
