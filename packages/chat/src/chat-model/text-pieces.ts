/** Text that grows by tokens, and is given out piece by piece. */
export interface TextPieces {
  /** What a token adds to the text; nothing while the bytes of a character are not all there. */
  push(token: number): string
  /** What is left when no token follows. */
  end(): string
}

/**
 * Decodes tokens as they come. Together the pieces are the text of all tokens, and none ends inside a character.
 *
 * Only the newest tokens are decoded again, so that a long text costs no more for each token than a short one: from those of
 * the piece before on, since what a token adds may depend on whether it is the first.
 *
 * @param decode The text of some tokens; a character whose bytes are not all there is U+FFFD.
 */
export function createTextPieces(decode: (tokens: number[]) => string): TextPieces {
  const tokens: number[] = []
  // Tokens from `shown` on have given no text yet; those from `start` on are decoded.
  let [start, shown] = [0, 0]
  const added = () => {
    const before = decode(tokens.slice(start, shown))
    return decode(tokens.slice(start)).slice(before.length)
  }
  return {
    push(token) {
      tokens.push(token)
      const text = added()
      if (text === '' || text.endsWith('\uFFFD')) return ''
      start = shown
      shown = tokens.length
      return text
    },
    end: added,
  }
}
