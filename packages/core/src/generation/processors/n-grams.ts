import type { LogitsProcessor } from './processor'

/**
 * Bans tokens that would complete an n-gram that the sequence (prompt and padding included) already has.
 * Paulus et al., 2017, "A Deep Reinforced Model for Abstractive Summarization".
 */
export function noRepeatNgram(size: number): LogitsProcessor {
  return (scores, history) => {
    const tokens = history.tokens()
    banContinuations(scores, { tokens, within: tokens, size })
  }
}

/**
 * Bans tokens that would complete an n-gram of the encoder's input.
 *
 * @param inputs The encoder's input ids by prompt, padding included.
 */
export function encoderNoRepeatNgram(size: number, inputs: readonly Int32Array[]): LogitsProcessor {
  return (scores, history) => {
    banContinuations(scores, { tokens: history.tokens(), within: inputs[history.prompt]!, size })
  }
}

function banContinuations(
  scores: Float32Array,
  { tokens, within, size }: { tokens: Int32Array; within: Int32Array; size: number },
): void {
  const prefix = size - 1
  const suffix = tokens.length - prefix
  if (suffix < 0) return
  for (let start = 0; start + size <= within.length; start++) {
    let at = 0
    while (at < prefix && within[start + at] === tokens[suffix + at]) at++
    const completion = within[start + prefix]!
    if (at === prefix && completion < scores.length) scores[completion] = -Infinity
  }
}
