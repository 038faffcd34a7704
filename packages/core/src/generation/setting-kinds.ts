import type { GenerationConfig } from './generation-config'

interface Kind {
  readonly isValid: (value: unknown) => boolean
  readonly expected: string
}

const isIds = (value: unknown): boolean => Array.isArray(value) && value.every((id) => typeof id === 'number')
const isWords = (value: unknown): boolean =>
  Array.isArray(value) && value.every((word: unknown[]) => isIds(word) && word.length > 0)
const isNumber = (value: unknown): boolean => typeof value === 'number' && !Number.isNaN(value)
const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

const flag: Kind = { isValid: (value) => typeof value === 'boolean', expected: 'true or false' }
const ids: Kind = { isValid: isIds, expected: 'a list of token ids' }

/** What settings that are more than a number are made of. */
const kinds: Partial<Record<keyof GenerationConfig, Kind>> = {
  earlyStopping: {
    isValid: (value) => typeof value === 'boolean' || value === 'never',
    expected: "true, false or 'never'",
  },
  doSample: flag,
  keepForcedWords: flag,
  removeInvalidValues: flag,
  renormalizeLogits: flag,
  eosTokenIds: ids,
  forcedEosTokenId: ids,
  suppressTokens: ids,
  beginSuppressTokens: ids,
  badWordsIds: { isValid: isWords, expected: 'lists of token ids, none of them empty' },
  forceWordsIds: {
    isValid: (value) =>
      Array.isArray(value) &&
      value.every((word) => isIds(word) || (Array.isArray(word) && word.every(isIds))),
    expected: 'lists of token ids, or lists of such lists',
  },
  sequenceBias: {
    isValid: (value) =>
      Array.isArray(value) &&
      value.every(
        (pair: { tokens?: unknown; bias?: unknown } | null) =>
          isWords([pair?.tokens]) && isNumber(pair?.bias),
      ),
    expected: 'a list of { tokens, bias }',
  },
  stopStrings: {
    isValid: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
    expected: 'texts, none of them empty',
  },
  exponentialDecayLengthPenalty: {
    isValid: (value) => {
      const { start, factor } = value as { start?: unknown; factor?: unknown }
      return isNumber(start) && isNumber(factor)
    },
    expected: '{ start, factor }',
  },
}

/** The first setting that is not made as it must be: JavaScript has no types to refuse it. */
export function findWrongKind(
  config: GenerationConfig,
): { name: string; expected: string; value: unknown } | undefined {
  for (const [name, { isValid, expected }] of Object.entries(kinds)) {
    const value: unknown = config[name as keyof GenerationConfig]
    if (value !== undefined && (value === null || !isValid(value))) return { name, expected, value }
  }
  return undefined
}
