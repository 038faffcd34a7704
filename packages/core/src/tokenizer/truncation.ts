/**
 * How many tokens of two texts to keep, longest first, as Hugging Face `tokenizers` does: the longer text is cut
 * until both are of one length, then both.
 *
 * @param lengths Tokens of each text; the second is 0 for a single text.
 * @param limit Tokens of both together, special tokens not counted.
 */
export function longestFirst(lengths: readonly [number, number], limit: number): [number, number] {
  if (lengths[0] + lengths[1] <= limit) return [...lengths]
  const isFirstLonger = lengths[0] > lengths[1]
  let shorter = Math.min(...lengths)
  let longer = Math.max(shorter, limit - shorter)
  if (shorter + longer > limit) {
    shorter = Math.floor(limit / 2)
    longer = limit - shorter
  }
  return isFirstLonger ? [longer, shorter] : [shorter, longer]
}
