import type { ResolvedGeneration } from './check-generation'
import { wrong } from './check-generation'
import type { TokenHistory } from './history'

/** Why a sequence ended. */
export type FinishReason = 'eos' | 'stop-string' | 'length'

/** Tells whether a sequence ends with its newest token; `generated` is how many tokens it has beyond its prompt. */
export type Stopping = (history: TokenHistory, generated: number) => FinishReason | undefined

/**
 * The ends that the settings name: an end token, a stop string in the new text, the largest length.
 *
 * @throws ArgumentError if there are stop strings and no `decode`.
 */
export function buildStopping(
  { config, maxLength }: ResolvedGeneration,
  decode: ((tokens: number[]) => string) | undefined,
): Stopping {
  const given = config.stopStrings ?? []
  const stopStrings = typeof given === 'string' ? [given] : given
  const endTokens = new Set(config.eosTokenIds)
  if (stopStrings.length > 0 && !decode)
    throw wrong('stopStrings', "given together with 'decode'", 'no decode')
  // A stop string ends in the newest token, so only so many tokens can be part of it. Some of them have no text.
  const reach = 2 * Math.max(0, ...stopStrings.map((text) => text.length)) + 8
  const hasStopString = (history: TokenHistory, generated: number) => {
    if (!decode || stopStrings.length === 0) return false
    const count = Math.min(generated, reach)
    const text = decode(Array.from({ length: count }, (_, index) => history.fromEnd(count - index)))
    return stopStrings.some((stop) => text.includes(stop))
  }
  return (history, generated) => {
    if (endTokens.has(history.fromEnd(1))) return 'eos'
    if (hasStopString(history, generated)) return 'stop-string'
    return history.length >= maxLength ? 'length' : undefined
  }
}
