import type { GenerationConfig } from '../generation-config'
import { removeInvalidValues, renormalizeLogits } from './clean'
import {
  exponentialDecay,
  forcedBos,
  forcedEos,
  minLength,
  suppressTokens,
  suppressTokensAt,
} from './forced-tokens'
import { encoderNoRepeatNgram, noRepeatNgram } from './n-grams'
import { encoderRepetitionPenalty, repetitionPenalty } from './penalties'
import type { LogitsProcessor } from './processor'
import { badWords, sequenceBias } from './sequence-bias'
import { epsilonCutoff, etaCutoff, minP, temperature, topK, topP, typicalP } from './warpers'

/** What processors depend on beside the settings. */
export interface ProcessorContext {
  /** Tokens before anything is written. */
  readonly promptLength: number
  readonly maxLength: number
  /** What the model read first, by prompt, padding included: an encoder's inputs, or a decoder's prompts. */
  readonly inputs: readonly Int32Array[]
  /** The user's own, applied behind the built-in ones and before those that shape the distribution. */
  readonly extra?: readonly LogitsProcessor[]
}

/** Every processor that the settings ask for, in the order of Hugging Face's `_get_logits_processor`. */
export function buildProcessors(config: GenerationConfig, context: ProcessorContext): LogitsProcessor[] {
  const { promptLength, maxLength, inputs, extra = [] } = context
  const { eosTokenIds, minNewTokens, exponentialDecayLengthPenalty: decay } = config
  const least = minNewTokens === undefined ? config.minLength : promptLength + minNewTokens
  const beginIndex =
    promptLength > 1 || config.forcedBosTokenId === undefined ? promptLength : promptLength + 1
  const when = (condition: unknown, make: () => LogitsProcessor) => (condition ? [make()] : [])
  const given = <T>(value: T | undefined, make: (value: T) => LogitsProcessor) =>
    value === undefined ? [] : [make(value)]
  return [
    ...given(config.sequenceBias, sequenceBias),
    ...when(config.encoderRepetitionPenalty !== 1, () =>
      encoderRepetitionPenalty(config.encoderRepetitionPenalty, inputs),
    ),
    ...when(config.repetitionPenalty !== 1, () => repetitionPenalty(config.repetitionPenalty)),
    ...when(config.noRepeatNgramSize > 0, () => noRepeatNgram(config.noRepeatNgramSize)),
    ...when(config.encoderNoRepeatNgramSize > 0, () =>
      encoderNoRepeatNgram(config.encoderNoRepeatNgramSize, inputs),
    ),
    ...given(config.badWordsIds, (words) => badWords(words, eosTokenIds)),
    ...when(least > 0 && eosTokenIds.length > 0, () => minLength(least, eosTokenIds)),
    ...given(config.forcedBosTokenId, forcedBos),
    ...given(config.forcedEosTokenId, (tokens) => forcedEos(tokens, maxLength)),
    ...when(config.removeInvalidValues, removeInvalidValues),
    ...given(decay, ({ start, factor }) =>
      exponentialDecay({ start: start + promptLength, factor }, eosTokenIds),
    ),
    ...given(config.suppressTokens, suppressTokens),
    ...given(config.beginSuppressTokens, (tokens) => suppressTokensAt(tokens, beginIndex)),
    ...extra,
    ...(config.doSample ? warpers(config) : []),
    ...when(config.renormalizeLogits, renormalizeLogits),
  ]
}

/** What shapes the distribution that tokens are drawn from. */
function warpers(config: GenerationConfig): LogitsProcessor[] {
  const { minP: least } = config
  // A beam must have a token that is not the end to go on with.
  const kept = config.numBeams > 1 ? config.eosTokenIds.length + 1 : 1
  return [
    ...(config.temperature === 1 ? [] : [temperature(config.temperature)]),
    ...(config.topK === 0 ? [] : [topK(config.topK, kept)]),
    ...(config.topP === 1 ? [] : [topP(config.topP, kept)]),
    ...(least === undefined ? [] : [minP(least, kept)]),
    ...(config.typicalP === 1 ? [] : [typicalP(config.typicalP, kept)]),
    ...(isShare(config.epsilonCutoff) ? [epsilonCutoff(config.epsilonCutoff, kept)] : []),
    ...(isShare(config.etaCutoff) ? [etaCutoff(config.etaCutoff, kept)] : []),
  ]
}

/** Cutoffs of 1 are off too, as in Hugging Face. */
const isShare = (cutoff: number): boolean => cutoff > 0 && cutoff < 1
