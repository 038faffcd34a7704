import { ArgumentError } from '@tfx/common'
import type { GenerationConfig } from '@tfx/core'

/**
 * How long summaries are: `short`, at most 24 tokens; `normal`, as the model has learned, at most what its
 * generation_config.json says (64 where it says nothing); `detailed`, from 48 to 160 tokens. With beams, `short` prefers short
 * ones (length penalty 0.8) and `detailed` long ones (2).
 */
export type SummaryStyle = 'short' | 'normal' | 'detailed'

/** How long summaries may be. */
export interface LengthOptions {
  /** Default `normal`; see {@link SummaryStyle}. */
  style?: SummaryStyle | undefined
  /** The most tokens of a summary. Default: what the style says. */
  maxLength?: number | undefined
  /** The fewest tokens of a summary. Default: what the style says. */
  minLength?: number | undefined
}

/** The most tokens of a summary, where neither style nor model says. */
export const usualLength = 64

const styles: Record<SummaryStyle, { max?: number; min?: number; lengthPenalty?: number }> = {
  short: { max: 24, min: 0, lengthPenalty: 0.8 },
  normal: {},
  detailed: { max: 160, min: 48, lengthPenalty: 2 },
}

/**
 * The settings of `generate` for a length; empty where the model's own hold.
 *
 * @param limit The most tokens that the model can write.
 * @throws ArgumentError on an unknown style, or if the fewest tokens are more than the most.
 */
export function lengthSettings(
  { style = 'normal', maxLength, minLength }: LengthOptions,
  limit: number,
): Partial<GenerationConfig> {
  if (!Object.hasOwn(styles, style)) {
    throw new ArgumentError({
      function: 'summarize',
      argument: 'style',
      expected: "'short', 'normal' or 'detailed'",
      received: JSON.stringify(style),
      remedy: "Leave it out for 'normal', or say { minLength, maxLength } in tokens.",
    })
  }
  const { max, min, lengthPenalty } = styles[style]
  const most = maxLength ?? (max && Math.min(max, limit))
  if (minLength !== undefined && most !== undefined && minLength > most) {
    throw new ArgumentError({
      function: 'summarize',
      argument: 'minLength',
      expected: `at most the ${most} tokens that a summary may have`,
      received: String(minLength),
      remedy: 'Say a smaller { minLength }, or a larger { maxLength }.',
    })
  }
  const fewest = minLength ?? (min && Math.min(min, most ?? min))
  if (most === undefined && fewest === undefined) return {}
  return {
    ...(most !== undefined && { maxNewTokens: most }),
    // The model's own may be more than what was asked for at most.
    minLength: 0,
    minNewTokens: fewest ?? 0,
    ...(lengthPenalty !== undefined && { lengthPenalty }),
  }
}
