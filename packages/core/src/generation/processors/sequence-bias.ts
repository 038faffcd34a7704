import type { TokenHistory } from '../history'
import type { LogitsProcessor } from './processor'

/** A number added to the score of the last of some tokens when the others stand before it. */
export interface SequenceBias {
  readonly tokens: readonly number[]
  readonly bias: number
}

/** Adds each bias to the score of the token that would complete its sequence; the last bias of a sequence counts. */
export function sequenceBias(biases: readonly SequenceBias[]): LogitsProcessor {
  const distinct = [...new Map(biases.map((bias) => [bias.tokens.join(), bias])).values()]
  return (scores, history) => {
    for (const { tokens, bias } of distinct) {
      const last = tokens.at(-1)
      if (last !== undefined && last < scores.length && isPrefixed(history, tokens)) {
        scores[last] = scores[last]! + bias
      }
    }
  }
}

/**
 * Bans sequences of tokens.
 *
 * @param eosTokenIds A ban of one of these alone is ignored, as Hugging Face does: nothing could end.
 */
export function badWords(
  words: readonly (readonly number[])[],
  eosTokenIds: readonly number[],
): LogitsProcessor {
  return sequenceBias(
    words
      .filter((tokens) => tokens.length !== 1 || !eosTokenIds.includes(tokens[0]!))
      .map((tokens) => ({ tokens, bias: -Infinity })),
  )
}

function isPrefixed(history: TokenHistory, tokens: readonly number[]): boolean {
  if (tokens.length - 1 > history.length) return false
  for (let distance = 1; distance < tokens.length; distance++) {
    if (history.fromEnd(distance) !== tokens[tokens.length - 1 - distance]) return false
  }
  return true
}
