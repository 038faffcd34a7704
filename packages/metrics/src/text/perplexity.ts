import { ArgumentError, DataError } from '@tfx/common'

/** A sum of losses over tokens, to which an evaluation adds batch after batch. */
export interface TokenLoss {
  /** The number of tokens added so far. */
  readonly tokens: number
  /** The sum of their losses, in nats. */
  readonly sum: number
  /**
   * Adds a batch.
   *
   * @param meanLoss The mean negative log likelihood of the batch's tokens, in nats.
   * @param tokens How many tokens that is the mean of; those that are padding or masked do not count.
   * @throws ArgumentError if the loss is not finite or `tokens` is no count; nothing is added then.
   */
  add(meanLoss: number, tokens: number): void
}

/**
 * An empty sum of losses to add to. Batches have different numbers of tokens, so the mean of their means is not the mean
 * over tokens: this is.
 *
 * @example
 * ```ts
 * const losses = createTokenLoss()
 * losses.add(2, 30)
 * losses.add(4, 10)
 * meanTokenLoss(losses) // 2.5
 * perplexity(losses) // 12.18…
 * ```
 */
export function createTokenLoss(): TokenLoss {
  let tokens = 0
  let sum = 0
  return {
    get tokens() {
      return tokens
    },
    get sum() {
      return sum
    },
    add(meanLoss, count) {
      checkNumber('meanLoss', meanLoss, { accepted: Number.isFinite(meanLoss), expected: 'a finite number' })
      checkNumber('tokens', count, {
        accepted: Number.isInteger(count) && count >= 0,
        expected: 'an integer of at least 0',
      })
      sum += meanLoss * count
      tokens += count
    },
  }
}

/**
 * The mean negative log likelihood of a token, in nats.
 *
 * @throws DataError if there are no tokens.
 */
export function meanTokenLoss(losses: TokenLoss): number {
  if (losses.tokens === 0) {
    throw new DataError({
      function: 'meanTokenLoss',
      argument: 'losses',
      expected: 'the losses of at least one token',
      received: 'none',
      remedy: 'Add batches before you ask for their mean.',
    })
  }
  return losses.sum / losses.tokens
}

/**
 * The perplexity: e to the mean negative log likelihood of a token. From 1, the best; as many as there are tokens for
 * one that guesses. Only perplexities over the same tokens compare.
 *
 * @throws DataError if there are no tokens.
 */
export function perplexity(losses: TokenLoss): number {
  return Math.exp(meanTokenLoss(losses))
}

function checkNumber(
  argument: string,
  value: number,
  { accepted, expected }: { accepted: boolean; expected: string },
): void {
  if (accepted) return
  throw new ArgumentError({
    function: 'add',
    argument,
    expected,
    received: String(value),
    remedy: 'Add the mean loss of a batch and the number of tokens that it is the mean of.',
  })
}
