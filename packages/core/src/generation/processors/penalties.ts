import type { LogitsProcessor } from './processor'

/**
 * Makes tokens of the sequence (prompt included, left padding not) less likely: positive scores are divided
 * by the penalty, negative ones multiplied. Keskar et al., 2019, "CTRL".
 *
 * @param penalty Above 1 discourages repetition, below 1 encourages it.
 */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  const once = penalizer(penalty)
  return (scores, history) => once(scores, history.tokens().subarray(history.padding))
}

/**
 * Makes tokens of the encoder's input more likely (the reciprocal of {@link repetitionPenalty}).
 *
 * @param inputs The encoder's input ids by prompt, padding included.
 */
export function encoderRepetitionPenalty(penalty: number, inputs: readonly Int32Array[]): LogitsProcessor {
  const once = penalizer(1 / penalty)
  return (scores, history) => once(scores, inputs[history.prompt]!)
}

/** Penalizes each token once, however often it occurs; a reused table of marks finds repetitions. */
function penalizer(penalty: number): (scores: Float32Array, tokens: Int32Array) => void {
  let marks = new Int32Array(0)
  let mark = 0
  return (scores, tokens) => {
    if (marks.length !== scores.length) marks = new Int32Array(scores.length)
    mark++
    for (const token of tokens) {
      // Some checkpoints embed more tokens than they score.
      if (token >= scores.length || marks[token] === mark) continue
      marks[token] = mark
      const score = scores[token]!
      scores[token] = score < 0 ? score * penalty : score / penalty
    }
  }
}
