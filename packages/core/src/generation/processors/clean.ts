import { logSoftmax } from '../scores'
import type { LogitsProcessor } from './processor'

const largestFloat32 = 3.4028234663852886e38

/** Replaces NaN by 0 and infinities by the largest float32 numbers. */
export function removeInvalidValues(): LogitsProcessor {
  return (scores) => {
    for (let index = 0; index < scores.length; index++) {
      const score = scores[index]!
      if (Number.isFinite(score)) continue
      scores[index] = Number.isNaN(score) ? 0 : Math.sign(score) * largestFloat32
    }
  }
}

/** Makes the scores log probabilities again after other processors. */
export function renormalizeLogits(): LogitsProcessor {
  return logSoftmax
}
