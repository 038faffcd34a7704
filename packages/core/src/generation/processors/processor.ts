import type { TokenHistory } from '../history'

/**
 * Changes the scores of the next token in place.
 *
 * @param scores Of one sequence, [vocabSize]: logits, or log probabilities in beam search.
 * @param history The tokens so far.
 */
export type LogitsProcessor = (scores: Float32Array, history: TokenHistory) => void

/** Sets the scores of some tokens to −Infinity; ids beyond the scores are skipped. */
export function ban(scores: Float32Array, tokens: Iterable<number>): void {
  for (const token of tokens) if (token < scores.length) scores[token] = -Infinity
}
