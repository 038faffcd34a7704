import { ArgumentError } from '@tfx/common'
import { forcedWords } from './forced-words'
import { type GenerationConfig, generationFields } from './generation-config'
import { findWrongKind } from './setting-kinds'
import type { StepModel } from './step-model'

/** What a call of `generate` comes to: the settings, and the lengths that follow from them. */
export interface ResolvedGeneration {
  readonly config: GenerationConfig
  /** Tokens of a sequence before anything is written: the longest prompt's, or the start token's. */
  readonly promptLength: number
  /** Longest sequence, `promptLength` included. */
  readonly maxLength: number
}

/**
 * Checks settings against each other, the model and the prompts.
 *
 * @throws ArgumentError naming the first contradiction.
 */
export function resolveGeneration(
  model: StepModel,
  prompts: readonly (readonly number[])[],
  config: GenerationConfig,
): ResolvedGeneration {
  checkNames(config)
  checkPrompts(model, prompts)
  checkNumbers(config)
  const other = findWrongKind(config)
  if (other) throw wrong(other.name, other.expected, JSON.stringify(other.value))
  checkMethod(config)
  checkTokens(model, config)
  checkForcedWords(config)
  if (model.isEncoderDecoder && (config.decoderStartTokenId ?? config.bosTokenId) === undefined) {
    throw wrong('decoderStartTokenId', 'given for an encoder-decoder, or bosTokenId', 'neither')
  }
  const promptLength = model.isEncoderDecoder ? 1 : Math.max(...prompts.map((prompt) => prompt.length))
  return { config, promptLength, maxLength: resolveLength(model, promptLength, config) }
}

/** Tokens of a continuation where nothing is said. */
const usualNewTokens = 20

/** The longest sequence. */
function resolveLength(
  { maxPositions = Infinity }: StepModel,
  promptLength: number,
  { maxNewTokens, maxLength: given, minLength, minNewTokens }: GenerationConfig,
): number {
  if (promptLength >= maxPositions) {
    throw wrong('prompts', `shorter than the model's ${maxPositions} positions`, `${promptLength} tokens`)
  }
  const usual = Math.min(promptLength + usualNewTokens, maxPositions)
  const maxLength = maxNewTokens === undefined ? (given ?? usual) : promptLength + maxNewTokens
  const name = maxNewTokens === undefined ? 'maxLength' : 'maxNewTokens'
  if (maxLength <= promptLength) {
    throw wrong(name, `more than the ${promptLength} tokens of the longest prompt`, String(maxLength))
  }
  if (minNewTokens === undefined && minLength > maxLength) {
    throw wrong('minLength', `at most the largest length of ${maxLength}`, String(minLength))
  }
  const room = maxLength - promptLength
  if (minNewTokens !== undefined && minNewTokens > room) {
    throw wrong('minNewTokens', `at most the ${room} tokens that may be written`, String(minNewTokens))
  }
  if (maxLength > maxPositions) {
    throw wrong(name, `a sequence of at most the model's ${maxPositions} positions`, String(maxLength))
  }
  return maxLength
}

/** A misspelled setting would be without effect. */
function checkNames(config: GenerationConfig): void {
  const unknown = Object.keys(config).find((name) => !generationFields.includes(name))
  if (unknown === undefined) return
  const meant = generationFields.find((name) => plain(name) === plain(unknown))
  throw wrong(
    'options',
    `made of settings${meant ? `, such as '${meant}',` : ''} that there are`,
    `'${unknown}'`,
  )
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z]/g, '')

function checkPrompts(model: StepModel, prompts: readonly (readonly number[])[]) {
  // An encoder may embed more tokens than the decoder scores.
  const { encoderVocabSize = 2 ** 31, encoderPositions = Infinity } = model
  const vocabSize = model.isEncoderDecoder ? encoderVocabSize : model.vocabSize
  const longest = model.isEncoderDecoder ? encoderPositions : Infinity
  if (!isList(prompts)) throw wrong('prompts', 'a list of lists of token ids', typeof prompts)
  if (prompts.length === 0) throw wrong('prompts', 'at least one', 'none')
  prompts.forEach((prompt, index) => {
    const name = `prompts[${index}]`
    if (!isList(prompt)) throw wrong(name, 'a list of token ids', typeof prompt)
    if (prompt.length === 0) throw wrong(name, 'at least one token', 'none')
    const at = prompt.findIndex((token) => !isToken(token, vocabSize))
    if (at >= 0) throw wrong(name, `token ids from 0 to ${vocabSize - 1}`, String(prompt[at]))
    if (prompt.length > longest) {
      throw wrong(name, `at most as long as the encoder's ${longest} positions`, `${prompt.length} tokens`)
    }
  })
}

const isList = (value: unknown): boolean => Array.isArray(value) || ArrayBuffer.isView(value)

const isToken = (id: number, vocabSize: number) => Number.isSafeInteger(id) && id >= 0 && id < vocabSize

/** The smallest value that each number may have; true where it must be larger. */
const lowest: Partial<Record<keyof GenerationConfig, readonly [minimum: number, isOpen: boolean]>> = {
  maxLength: [1, false],
  maxNewTokens: [1, false],
  minLength: [0, false],
  minNewTokens: [0, false],
  numBeams: [1, false],
  numBeamGroups: [1, false],
  diversityPenalty: [0, false],
  penaltyAlpha: [0, false],
  temperature: [0, true],
  topK: [0, false],
  topP: [0, false],
  minP: [0, false],
  typicalP: [0, true],
  epsilonCutoff: [0, false],
  etaCutoff: [0, false],
  repetitionPenalty: [0, true],
  encoderRepetitionPenalty: [0, true],
  lengthPenalty: [-Infinity, true],
  noRepeatNgramSize: [0, false],
  encoderNoRepeatNgramSize: [0, false],
  numReturnSequences: [1, false],
}

const shares: readonly string[] = ['topP', 'minP', 'typicalP', 'epsilonCutoff', 'etaCutoff', 'penaltyAlpha']

function checkNumbers(config: GenerationConfig): void {
  for (const [name, [minimum, isOpen]] of Object.entries(lowest)) {
    const value = config[name as keyof GenerationConfig] as number | undefined
    if (value === undefined) continue
    const isLow = isOpen ? value <= minimum : value < minimum
    const isHigh = shares.includes(name) && value > 1
    const isCount = /^(max|min|num)[A-Z].*|topK|Size$/.test(name) && name !== 'minP'
    if (isLow || isHigh || !(isCount ? Number.isSafeInteger(value) : Number.isFinite(value))) {
      const kind = isCount ? 'a whole number' : 'a number'
      const upper = shares.includes(name) ? ' and at most 1' : ''
      throw wrong(name, `${kind} ${isOpen ? 'above' : 'of at least'} ${minimum}${upper}`, String(value))
    }
  }
}

function checkMethod(config: GenerationConfig): void {
  const { numBeams, numBeamGroups, diversityPenalty, penaltyAlpha = 0, numReturnSequences, doSample } = config
  if (numBeams % numBeamGroups !== 0) {
    throw wrong('numBeamGroups', `a divisor of the ${numBeams} beams`, String(numBeamGroups))
  }
  if (numBeamGroups > 1 && doSample) throw wrong('doSample', 'false with groups of beams', 'true')
  if (numBeamGroups === 1 && diversityPenalty > 0) {
    throw wrong('diversityPenalty', '0 without groups of beams (numBeamGroups)', String(diversityPenalty))
  }
  if (penaltyAlpha > 0 && (numBeams > 1 || doSample)) {
    throw wrong('penaltyAlpha', 'absent with beams or sampling', String(penaltyAlpha))
  }
  if (penaltyAlpha > 0 && config.topK < 2) {
    throw wrong(
      'topK',
      'at least 2 with penaltyAlpha: the candidates of a contrastive search',
      String(config.topK),
    )
  }
  const most = numBeams > 1 ? numBeams : doSample ? Infinity : 1
  if (numReturnSequences > most) {
    const reason = numBeams > 1 ? `at most the ${numBeams} beams` : '1 unless there are beams or doSample'
    throw wrong('numReturnSequences', reason, String(numReturnSequences))
  }
}

function checkTokens({ vocabSize }: StepModel, config: GenerationConfig): void {
  const { badWordsIds = [], sequenceBias = [], forcedBosTokenId, padTokenId, decoderStartTokenId } = config
  const lists: Record<string, readonly (number | undefined)[]> = {
    eosTokenIds: config.eosTokenIds,
    padTokenId: [padTokenId],
    decoderStartTokenId: [decoderStartTokenId],
    forcedBosTokenId: [forcedBosTokenId],
    forcedEosTokenId: config.forcedEosTokenId ?? [],
    suppressTokens: config.suppressTokens ?? [],
    beginSuppressTokens: config.beginSuppressTokens ?? [],
    badWordsIds: badWordsIds.flat(),
    forceWordsIds: forcedWords(config).flat(2),
    sequenceBias: sequenceBias.flatMap(({ tokens }) => tokens),
  }
  for (const [name, ids] of Object.entries(lists)) {
    const wrongId = ids.find((id) => id !== undefined && !isToken(id, vocabSize))
    if (wrongId !== undefined) throw wrong(name, `token ids from 0 to ${vocabSize - 1}`, String(wrongId))
  }
  const suppressed = new Set(config.suppressTokens)
  for (const name of ['forcedBosTokenId', 'forcedEosTokenId']) {
    const ids = lists[name]!.filter((id) => id !== undefined)
    if (ids.length > 0 && ids.every((id) => suppressed.has(id))) {
      throw wrong(name, "a token that 'suppressTokens' leaves", ids.join(', '))
    }
  }
}

function checkForcedWords(config: GenerationConfig): void {
  const words = forcedWords(config)
  if (words.length === 0) return
  const { numBeams, numBeamGroups, doSample, stopStrings, eosTokenIds } = config
  if (numBeams === 1) throw wrong('numBeams', 'above 1 with forceWordsIds', '1')
  if (numBeamGroups > 1) throw wrong('numBeamGroups', '1 with forceWordsIds', String(numBeamGroups))
  if (doSample) throw wrong('doSample', 'false with forceWordsIds', 'true')
  if (stopStrings !== undefined) throw wrong('stopStrings', 'absent with forceWordsIds', String(stopStrings))
  words.forEach((ways, index) => {
    const name = `forceWordsIds[${index}]`
    if (ways.length === 0 || ways.some((tokens) => tokens.length === 0)) {
      throw wrong(name, 'at least one token', 'none')
    }
    const end = ways.flat().find((token) => eosTokenIds.includes(token))
    if (end !== undefined) throw wrong(name, 'tokens that do not end a sequence', String(end))
    ways.forEach((tokens, place) => {
      const other = ways.findIndex((way, at) => at !== place && tokens.every((token, i) => way[i] === token))
      if (other >= 0) throw wrong(name, 'ways to write it of which none begins another', String(ways[other]))
    })
  })
}

/** @throws ArgumentError unless one sequence continues one prompt of a decoder: what can be kept, or written together with others. */
export function checkSingle(
  { isEncoderDecoder }: StepModel,
  {
    option,
    prompts,
    config,
  }: { readonly option: string; readonly prompts: number; readonly config: GenerationConfig },
): void {
  const { numBeams, numReturnSequences, penaltyAlpha = 0 } = config
  const isSingle = prompts === 1 && numBeams === 1 && numReturnSequences === 1 && penaltyAlpha === 0
  if (isSingle && !isEncoderDecoder) return
  const received = isEncoderDecoder
    ? 'an encoder-decoder'
    : prompts > 1
      ? `${prompts} prompts`
      : 'another method'
  throw wrong(option, 'used with one prompt of a decoder, and greedy search or sampling', received)
}

/** The error of one setting. */
export function wrong(argument: string, expected: string, received: string): ArgumentError {
  return new ArgumentError({
    function: 'generate',
    argument,
    expected,
    received,
    remedy: 'Change the setting, or those that it contradicts.',
  })
}
