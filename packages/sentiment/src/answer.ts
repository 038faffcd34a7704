/** What a model says of one text. */
export interface SentimentAnswer {
  /** The most probable label. */
  readonly label: string
  /** Its probability. */
  readonly score: number
  /** The probability of every label; they add up to 1. */
  readonly scores: Readonly<Record<string, number>>
}

/** Turns logits into probabilities and names the largest. */
export function answerFrom(logits: Float32Array, labels: readonly string[]): SentimentAnswer {
  const largest = Math.max(...logits)
  const exponentials = Array.from(logits, (logit) => Math.exp(logit - largest))
  const total = exponentials.reduce((sum, value) => sum + value, 0)
  const probabilities = exponentials.map((value) => value / total)
  const best = probabilities.indexOf(Math.max(...probabilities))
  return {
    label: labels[best]!,
    score: probabilities[best]!,
    scores: Object.fromEntries(labels.map((label, index) => [label, probabilities[index]!])),
  }
}
