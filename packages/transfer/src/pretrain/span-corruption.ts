import type { Random } from '@tfx/common'

/** How text is corrupted. */
export interface CorruptionOptions {
  /** The share of the tokens to hide. */
  readonly rate: number
  /** How many tokens a hidden span has on average. */
  readonly meanSpanLength: number
  /** What stands for the first hidden span, the second, …: T5's `<extra_id_0>`, `<extra_id_1>`, … */
  readonly sentinels: readonly number[]
  /** Closes inputs and targets. */
  readonly end: number
  readonly random: Random
}

/** A text with gaps, and what belongs there. */
export interface CorruptedText {
  /** The text with a sentinel for each hidden span. */
  readonly inputIds: number[]
  /** Each sentinel followed by its span. */
  readonly labels: number[]
}

/** How many tokens of a text are hidden, in how many spans: `random_spans_noise_mask` of T5. */
export function corruptionBudget(
  length: number,
  { rate, meanSpanLength }: Pick<CorruptionOptions, 'rate' | 'meanSpanLength'>,
): { tokens: number; spans: number } {
  const tokens = Math.min(Math.max(Math.round(length * rate), 1), length - 1)
  const spans = Math.max(Math.round(tokens / meanSpanLength), 1)
  return { tokens, spans: Math.min(spans, tokens, length - tokens) }
}

/**
 * Span corruption ([Raffel et al. 2019](https://arxiv.org/abs/1910.10683), section 3.1.4): random spans are replaced by
 * sentinels, and are what is to be written. As in the authors' code the text begins with what is shown and ends with
 * a hidden span, and no sentinel follows the last one.
 *
 * @param ids At least two tokens.
 *
 * @example
 * ```ts
 * // Thank you for inviting me to your party last week.
 * // → Thank you <extra_id_0> me to your party <extra_id_1> week. </s>
 * // → <extra_id_0> for inviting <extra_id_1> last </s>
 * ```
 */
export function corruptSpans(ids: ArrayLike<number>, options: CorruptionOptions): CorruptedText {
  const { sentinels, end, random } = options
  const { tokens, spans } = corruptionBudget(ids.length, options)
  const hidden = randomSegments(tokens, spans, random)
  const shown = randomSegments(ids.length - tokens, spans, random)
  const [inputIds, labels]: [number[], number[]] = [[], []]
  let place = 0
  const copy = (count: number, to: number[]) => {
    for (const last = place + count; place < last; place++) to.push(ids[place]!)
  }
  for (let span = 0; span < spans; span++) {
    copy(shown[span]!, inputIds)
    inputIds.push(sentinels[span]!)
    labels.push(sentinels[span]!)
    copy(hidden[span]!, labels)
  }
  return { inputIds: [...inputIds, end], labels: [...labels, end] }
}

/** The lengths of `count` parts of at least one that `total` is cut into, every way to cut being equally likely. */
function randomSegments(total: number, count: number, random: Random): number[] {
  const places = Array.from({ length: total - 1 }, (_, index) => index + 1)
  const cuts = random.shuffle(places).slice(0, count - 1)
  const borders = [0, ...cuts.sort((a, b) => a - b), total]
  return borders.slice(1).map((border, index) => border - borders[index]!)
}
