import { ban, type LogitsProcessor } from './processor'

/** Bans the end until the sequence (prompt and padding included) has `length` tokens. */
export function minLength(length: number, eosTokenIds: readonly number[]): LogitsProcessor {
  return (scores, history) => {
    if (history.length < length) ban(scores, eosTokenIds)
  }
}

/** Leaves only `token` when the sequence has one token: the first one that an encoder-decoder writes. */
export function forcedBos(token: number): LogitsProcessor {
  return (scores, history) => {
    if (history.length === 1) force(scores, [token])
  }
}

/** Leaves only `tokens` for the last place that `maxLength` allows. */
export function forcedEos(tokens: readonly number[], maxLength: number): LogitsProcessor {
  return (scores, history) => {
    if (history.length === maxLength - 1) force(scores, tokens)
  }
}

/** Bans tokens everywhere. */
export function suppressTokens(tokens: readonly number[]): LogitsProcessor {
  return (scores) => {
    ban(scores, tokens)
  }
}

/** Bans tokens when the sequence has exactly `length` tokens. */
export function suppressTokensAt(tokens: readonly number[], length: number): LogitsProcessor {
  return (scores, history) => {
    if (history.length === length) ban(scores, tokens)
  }
}

/**
 * Makes the end more likely with every token past `start`, exponentially.
 *
 * @param start The length (prompt included) after which it begins.
 */
export function exponentialDecay(
  { start, factor }: { start: number; factor: number },
  eosTokenIds: readonly number[],
): LogitsProcessor {
  return (scores, history) => {
    if (history.length <= start) return
    for (const token of eosTokenIds) {
      const score = scores[token]!
      if (!Number.isFinite(score)) continue
      scores[token] = score + Math.abs(score) * (factor ** (history.length - start) - 1)
    }
  }
}

function force(scores: Float32Array, tokens: readonly number[]): void {
  scores.fill(-Infinity)
  for (const token of tokens) scores[token] = 0
}
