import type { Random } from '@tfx/common'
import { nameWith, type TextAugmentation } from './augmentation'
import { checkMeanLength, checkShares } from './check'
import { wordsOf } from './words'

/** Options of {@link spanMasking}. */
export interface SpanMaskingOptions {
  /** The share of the words that is masked. Default 0.15. */
  readonly rate?: number
  /** Words in a span, on average. Default 3. */
  readonly meanLength?: number
  /**
   * What a span is replaced by: `sentinels` are those of T5, `<extra_id_0>`, `<extra_id_1>`, …; or a tokenizer's mask
   * token, such as `[MASK]` or `<mask>`. Default `sentinels`.
   */
  readonly mask?: string
  /** Mask each word of a span by itself (BERT), or the span as one (T5, BART). Default `span`. */
  readonly per?: 'span' | 'word'
}

/**
 * Masks spans of words: T5's corruption of spans (https://arxiv.org/abs/1910.10683) with words for tokens, at a random
 * rotation, so that the end is masked no more often than the rest. A text of fewer than two words stays as it is. Apply
 * it last: other augmentations would take the mask for a word.
 *
 * @throws ArgumentError on a rate outside 0 to 1 or a mean length below 1.
 *
 * @example
 * ```ts
 * augmentText(spanMasking({ mask: '[MASK]' }), 'a long and dull film') // 'a long and [MASK] film'
 * ```
 */
export function spanMasking(options: SpanMaskingOptions = {}): TextAugmentation {
  const { rate = 0.15, meanLength = 3, mask = 'sentinels', per = 'span' } = options
  checkShares('spanMasking', { rate })
  checkMeanLength('spanMasking', meanLength)
  const maskOf = (number: number) => (mask === 'sentinels' ? `<extra_id_${number}>` : mask)
  return {
    name: nameWith('spanMasking', options),
    apply(text, random) {
      const { pieces, words } = wordsOf(text)
      if (words.length < 2 || rate === 0) return text
      const isMasked = maskedWords(words.length, { rate, meanLength, random })
      let masks = 0
      for (let word = 0; word < words.length; word++) {
        if (!isMasked[word]) continue
        const first = words[word]!
        pieces[first] = maskOf(masks++)
        if (per === 'word') continue
        while (isMasked[word + 1]) word++
        pieces.fill('', first + 1, words[word]! + 1)
      }
      return pieces.join('')
    },
  }
}

interface SpanDraw {
  readonly rate: number
  readonly meanLength: number
  readonly random: Random
}

/** `random_spans_noise_mask` of T5 with its `random_roll`. */
function maskedWords(count: number, { rate, meanLength, random }: SpanDraw): boolean[] {
  const masked = Math.min(Math.max(Math.round(count * rate), 1), count - 1)
  const kept = count - masked
  const spans = Math.max(1, Math.min(Math.round(masked / meanLength), kept))
  const keptLengths = segmentLengths(kept, spans, random)
  const isMasked = segmentLengths(masked, spans, random).flatMap((length, span) => [
    ...new Array<boolean>(keptLengths[span]!).fill(false),
    ...new Array<boolean>(length).fill(true),
  ])
  const shift = random.integer(count)
  return [...isMasked.slice(shift), ...isMasked.slice(0, shift)]
}

/** Cuts a number of things at random places into segments of one or more. */
function segmentLengths(total: number, segments: number, random: Random): number[] {
  const cuts = random
    .shuffle(Array.from({ length: total - 1 }, (_, place) => place + 1))
    .slice(0, segments - 1)
    .sort((left, right) => left - right)
  return [...cuts, total].map((cut, number) => cut - (cuts[number - 1] ?? 0))
}
