/** What a model says of one text. */
export interface SentimentAnswer {
  /** The most probable label. */
  readonly label: string
  /** Its probability. */
  readonly score: number
  /** The probability of every label; they add up to 1, unless a text may have several. */
  readonly scores: Readonly<Record<string, number>>
  /** Of a model whose texts may have several labels: those that are as probable as its threshold, in its order. */
  readonly labels?: readonly string[]
}

/** Turns logits into probabilities of labels that exclude one another, and names the largest. */
export function answerFrom(logits: ArrayLike<number>, labels: readonly string[]): SentimentAnswer {
  return mostProbable(softmax(logits), labels)
}

/** Turns logits into a probability for each label on its own, and names those of at least the threshold. */
export function multiLabelAnswer(
  logits: ArrayLike<number>,
  labels: readonly string[],
  threshold: number,
): Required<SentimentAnswer> {
  const probabilities = Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)))
  return {
    ...mostProbable(probabilities, labels),
    labels: labels.filter((_, index) => probabilities[index]! >= threshold),
  }
}

/** Probabilities that add up to 1. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits)
  const largest = Math.max(...values)
  const exponentials = values.map((logit) => Math.exp(logit - largest))
  const total = exponentials.reduce((sum, value) => sum + value, 0)
  return exponentials.map((value) => value / total)
}

function mostProbable(probabilities: readonly number[], labels: readonly string[]): SentimentAnswer {
  const best = probabilities.indexOf(Math.max(...probabilities))
  return {
    label: labels[best]!,
    score: probabilities[best]!,
    scores: Object.fromEntries(labels.map((label, index) => [label, probabilities[index]!])),
  }
}
