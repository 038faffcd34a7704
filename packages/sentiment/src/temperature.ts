/** Logits of some examples with the classes that are right. */
export interface JudgedLogits {
  /** Row-major [examples, classes]. */
  readonly logits: Float32Array
  /** The class index of each example. */
  readonly references: readonly number[]
}

/**
 * The temperature that makes probabilities mean what they say: softmax(logits / T) has the least mean negative log
 * likelihood of the right classes (Guo et al. 2017, [On Calibration of Modern Neural
 * Networks](https://arxiv.org/abs/1706.04599)). It changes no answer, only how sure the answers are.
 *
 * @returns T > 0, or undefined where no temperature is best: the surer the better if every answer is right, the less sure
 *   the better if the logits are worth nothing.
 */
export function bestTemperature({ logits, references }: JudgedLogits): number | undefined {
  // In 1/T the likelihood is convex, so its slope changes sign once. Half of the range of exponents each time.
  let [low, high] = [-10, 10]
  const slope = (exponent: number) => lossSlope({ logits, references }, Math.exp(exponent))
  if (slope(low) >= 0 || slope(high) <= 0) return undefined
  while (high - low > 1e-9) {
    const middle = (low + high) / 2
    if (slope(middle) < 0) low = middle
    else high = middle
  }
  return Math.exp(-(low + high) / 2)
}

/** The derivative by `scale` of the loss of softmax(scale · logits): expected logit less the right one, summed. */
function lossSlope({ logits, references }: JudgedLogits, scale: number): number {
  const classes = logits.length / references.length
  return references.reduce((total, reference, example) => {
    const row = logits.subarray(example * classes, (example + 1) * classes)
    const largest = Math.max(...row)
    let [weights, expected] = [0, 0]
    for (const logit of row) {
      const weight = Math.exp(scale * (logit - largest))
      weights += weight
      expected += weight * logit
    }
    return total + expected / weights - row[reference]!
  }, 0)
}
