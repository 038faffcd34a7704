/** Tokens with what is to be learned of them: the token, or −100 for nothing. */
export interface LabelledTokens {
  readonly inputIds: readonly number[]
  readonly labels: readonly number[]
}

/** A label of what nothing is to be learned from. */
export const ignored = -100

/**
 * Puts whole dialogues into blocks, one behind the other, so that few tokens are padding. A dialogue in a block sees those
 * before it, as in TRL's packing without FlashAttention; its first token is not learned.
 *
 * @param maxLength The most tokens of a block; none of the dialogues is longer.
 * @returns Each with the index of its first dialogue.
 */
export function packWhole(
  dialogues: readonly LabelledTokens[],
  maxLength: number,
): (LabelledTokens & { first: number })[] {
  const blocks: { inputIds: number[]; labels: number[]; first: number }[] = []
  for (const [index, { inputIds, labels }] of dialogues.entries()) {
    const last = blocks.at(-1)
    const isRoom = last !== undefined && last.inputIds.length + inputIds.length <= maxLength
    const block = isRoom ? last : { inputIds: [], labels: [], first: index }
    if (!isRoom) blocks.push(block)
    block.inputIds.push(...inputIds)
    block.labels.push(ignored, ...labels.slice(1))
  }
  return blocks
}

/**
 * Cuts texts, one behind the other, into blocks of one length, as Hugging Face's `run_clm` does; but what is left at the end
 * is a block too.
 *
 * @returns Each with the index of the text that it begins in.
 */
export function packTexts(
  texts: readonly (readonly number[])[],
  maxLength: number,
): (LabelledTokens & { first: number })[] {
  const blocks: (LabelledTokens & { first: number })[] = []
  let [block, first]: [number[], number] = [[], 0]
  const close = () => {
    // One token alone foretells nothing.
    if (block.length > 1) blocks.push({ inputIds: block, labels: block, first })
    block = []
  }
  for (const [index, ids] of texts.entries()) {
    for (const id of ids) {
      if (block.length === 0) first = index
      block.push(id)
      if (block.length === maxLength) close()
    }
  }
  close()
  return blocks
}
