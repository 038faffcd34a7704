import type { Random } from '@tfx/common'

/** What masking must know of the vocabulary. */
export interface MaskingVocabulary {
  readonly vocabSize: number
  readonly maskTokenId: number
  /** Tokens that are never masked: [CLS], [SEP], [PAD]. */
  readonly specialTokenIds: ReadonlySet<number>
  /** Tokens that continue a word (`##ing`): a word is masked as a whole. */
  readonly continuationIds: ReadonlySet<number>
}

/** A sequence with some of its words hidden. */
export interface MaskedSequence {
  /** The ids that the model sees. */
  readonly inputIds: Int32Array
  /** Where something is to be predicted, ascending. */
  readonly positions: readonly number[]
  /** What was there. */
  readonly labels: readonly number[]
}

/**
 * Whole-word masking for masked language modelling (Devlin et al. 2018, arXiv:1810.04805, and the
 * whole-word variant of its authors): words are drawn until `rate` of the tokens are chosen; of those 80 %
 * become [MASK], 10 % a random token, 10 % stay.
 *
 * At least one word is chosen in every sequence that has one.
 */
export function maskWords(
  ids: ArrayLike<number>,
  vocabulary: MaskingVocabulary,
  { rate, random }: { rate: number; random: Random },
): MaskedSequence {
  const words: number[][] = []
  for (let position = 0; position < ids.length; position++) {
    const id = ids[position]!
    if (vocabulary.specialTokenIds.has(id)) continue
    const word = words.at(-1)
    const continues = word?.at(-1) === position - 1 && vocabulary.continuationIds.has(id)
    if (continues) word.push(position)
    else words.push([position])
  }
  const wanted = words.reduce((sum, word) => sum + word.length, 0) * rate
  const positions: number[] = []
  for (const word of random.shuffle(words)) {
    if (positions.length >= wanted) break
    positions.push(...word)
  }
  positions.sort((a, b) => a - b)
  const inputIds = Int32Array.from(ids)
  for (const position of positions) {
    const draw = random.next()
    if (draw < 0.8) inputIds[position] = vocabulary.maskTokenId
    else if (draw < 0.9) inputIds[position] = random.integer(vocabulary.vocabSize)
  }
  return { inputIds, positions, labels: positions.map((position) => ids[position]!) }
}
