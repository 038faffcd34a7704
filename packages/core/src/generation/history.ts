/** The tokens of one sequence so far, as logits processors and stopping criteria see them. */
export interface TokenHistory {
  /** Which prompt the sequence continues. */
  readonly prompt: number
  /** How many tokens there are, left padding included (as Hugging Face counts). */
  readonly length: number
  /** How many of them are left padding. */
  readonly padding: number
  /** The token `distance` before the end: 1 is the newest. Not checked against the length. */
  fromEnd(distance: number): number
  /** All of them, left padding included. Valid until the history moves on; not to be written to. */
  tokens(): Int32Array
}

/**
 * A history that holds its own tokens.
 *
 * @param ids The tokens, left padding included.
 */
export function historyOf(ids: ArrayLike<number>, { prompt = 0, padding = 0 } = {}): TokenHistory {
  const tokens = Int32Array.from(ids)
  return {
    prompt,
    length: tokens.length,
    padding,
    fromEnd: (distance) => tokens[tokens.length - distance]!,
    tokens: () => tokens,
  }
}

/** A history that grows in place, within a room of `capacity` tokens. */
export interface GrowingHistory extends TokenHistory {
  push(token: number): void
}

/** @param capacity The longest that the history may become. */
export function growingHistory(
  ids: ArrayLike<number>,
  { prompt, padding, capacity }: { prompt: number; padding: number; capacity: number },
): GrowingHistory {
  const tokens = new Int32Array(capacity)
  tokens.set(ids)
  let length = ids.length
  return {
    prompt,
    get length() {
      return length
    },
    padding,
    fromEnd: (distance) => tokens[length - distance]!,
    tokens: () => tokens.subarray(0, length),
    push(token) {
      tokens[length++] = token
    },
  }
}
