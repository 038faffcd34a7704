import { CheckpointError } from '@tfx/common'

/** How text is written; the fields, their meanings and defaults are those of Hugging Face's `GenerationConfig`. */
export interface GenerationConfig {
  /**
   * Longest sequence in tokens: the prompt's too, or the decoder's of an encoder-decoder. Default: 20 more than the prompt,
   * as far as the model's positions go.
   */
  readonly maxLength?: number
  /** Longest continuation in tokens; goes before `maxLength`. */
  readonly maxNewTokens?: number
  /** Default 0. */
  readonly minLength: number
  /** Goes before `minLength`. */
  readonly minNewTokens?: number
  /** Decode until the new text contains one of these; needs `decode`. */
  readonly stopStrings?: string | readonly string[]
  /** True: a beam search ends with `numBeams` finished sequences; `never`: when no better one is possible. Default false. */
  readonly earlyStopping: boolean | 'never'
  /** Draws tokens instead of taking the likeliest. Default false. */
  readonly doSample: boolean
  /** Default 1. */
  readonly numBeams: number
  /** Groups of beams that avoid each other's tokens (Vijayakumar et al. 2016, arXiv:1610.02424). Default 1. */
  readonly numBeamGroups: number
  /** What a token costs for each earlier group that chose it in this step. Default 0. */
  readonly diversityPenalty: number
  /** Weight against repeating the context: contrastive search (Su et al. 2022, arXiv:2202.06417), with `topK` candidates. */
  readonly penaltyAlpha?: number
  /** Only while sampling, as all down to `etaCutoff`. Default 1. */
  readonly temperature: number
  /** 0 turns it off. Default 50. */
  readonly topK: number
  /** Default 1. */
  readonly topP: number
  readonly minP?: number
  /** Default 1. */
  readonly typicalP: number
  /** Default 0. */
  readonly epsilonCutoff: number
  /** Default 0. */
  readonly etaCutoff: number
  /** Default 1. */
  readonly repetitionPenalty: number
  /** Default 1. */
  readonly encoderRepetitionPenalty: number
  /** Beam scores are divided by length to this power. Default 1. */
  readonly lengthPenalty: number
  /** Default 0: off. */
  readonly noRepeatNgramSize: number
  /** Default 0: off. */
  readonly encoderNoRepeatNgramSize: number
  readonly badWordsIds?: readonly (readonly number[])[]
  /** Words that a beam search must write: each as its tokens, or as several ways to write it, of which one must come. */
  readonly forceWordsIds?: readonly (readonly number[] | readonly (readonly number[])[])[]
  /**
   * A sequence that has all words of `forceWordsIds` goes on, however likely others are, as in the search of Post & Vilar 2018
   * (arXiv:1804.06609). Default false: Hugging Face drops it for likelier ones, and may end with none that has them. No field
   * of generation_config.json.
   */
  readonly keepForcedWords?: boolean
  /** The last of those with the same tokens counts. */
  readonly sequenceBias?: readonly { readonly tokens: readonly number[]; readonly bias: number }[]
  readonly forcedBosTokenId?: number
  readonly forcedEosTokenId?: readonly number[]
  /** Default false. */
  readonly removeInvalidValues: boolean
  /** From `start` tokens behind the prompt on the end becomes likelier by `factor` each. */
  readonly exponentialDecayLengthPenalty?: { readonly start: number; readonly factor: number }
  readonly suppressTokens?: readonly number[]
  readonly beginSuppressTokens?: readonly number[]
  /** Default false. */
  readonly renormalizeLogits: boolean
  /** Sequences for each prompt. Default 1. */
  readonly numReturnSequences: number
  readonly bosTokenId?: number
  /** Each of them ends a sequence. */
  readonly eosTokenIds: readonly number[]
  readonly padTokenId?: number
  /** What the decoder of an encoder-decoder starts with. */
  readonly decoderStartTokenId?: number
}

/** What Hugging Face takes where nothing is said. */
export const generationDefaults: GenerationConfig = {
  minLength: 0,
  earlyStopping: false,
  doSample: false,
  numBeams: 1,
  numBeamGroups: 1,
  diversityPenalty: 0,
  temperature: 1,
  topK: 50,
  topP: 1,
  typicalP: 1,
  epsilonCutoff: 0,
  etaCutoff: 0,
  repetitionPenalty: 1,
  encoderRepetitionPenalty: 1,
  lengthPenalty: 1,
  noRepeatNgramSize: 0,
  encoderNoRepeatNgramSize: 0,
  removeInvalidValues: false,
  renormalizeLogits: false,
  numReturnSequences: 1,
  eosTokenIds: [],
}

type Field = keyof GenerationConfig

const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isWhole = (value: unknown) => Number.isSafeInteger(value)
const isIds = (value: unknown) => Array.isArray(value) && value.every(isWhole)
const number = { isValid: isNumber, expected: 'a number' }
const whole = { isValid: isWhole, expected: 'a whole number' }
const flag = { isValid: (value: unknown) => typeof value === 'boolean', expected: 'true or false' }
const ids = { isValid: isIds, expected: 'a list of token ids' }

/** config.json name → field, and what it may be. Fields that need another form are converted below. */
const fields: Readonly<
  Record<string, { field: Field; isValid: (value: unknown) => boolean; expected: string }>
> = {
  max_length: { field: 'maxLength', ...whole },
  max_new_tokens: { field: 'maxNewTokens', ...whole },
  min_length: { field: 'minLength', ...whole },
  min_new_tokens: { field: 'minNewTokens', ...whole },
  early_stopping: {
    field: 'earlyStopping',
    isValid: (value) => typeof value === 'boolean' || value === 'never',
    expected: "true, false or 'never'",
  },
  do_sample: { field: 'doSample', ...flag },
  num_beams: { field: 'numBeams', ...whole },
  num_beam_groups: { field: 'numBeamGroups', ...whole },
  diversity_penalty: { field: 'diversityPenalty', ...number },
  penalty_alpha: { field: 'penaltyAlpha', ...number },
  temperature: { field: 'temperature', ...number },
  top_k: { field: 'topK', ...whole },
  top_p: { field: 'topP', ...number },
  min_p: { field: 'minP', ...number },
  typical_p: { field: 'typicalP', ...number },
  epsilon_cutoff: { field: 'epsilonCutoff', ...number },
  eta_cutoff: { field: 'etaCutoff', ...number },
  repetition_penalty: { field: 'repetitionPenalty', ...number },
  encoder_repetition_penalty: { field: 'encoderRepetitionPenalty', ...number },
  length_penalty: { field: 'lengthPenalty', ...number },
  no_repeat_ngram_size: { field: 'noRepeatNgramSize', ...whole },
  encoder_no_repeat_ngram_size: { field: 'encoderNoRepeatNgramSize', ...whole },
  bad_words_ids: {
    field: 'badWordsIds',
    isValid: (value) => Array.isArray(value) && value.every(isIds),
    expected: 'lists of token ids',
  },
  force_words_ids: {
    field: 'forceWordsIds',
    isValid: (value) =>
      Array.isArray(value) &&
      value.every((word) => isIds(word) || (Array.isArray(word) && word.every(isIds))),
    expected: 'lists of token ids, or lists of such lists',
  },
  forced_bos_token_id: { field: 'forcedBosTokenId', ...whole },
  forced_eos_token_id: { field: 'forcedEosTokenId', ...ids },
  remove_invalid_values: { field: 'removeInvalidValues', ...flag },
  suppress_tokens: { field: 'suppressTokens', ...ids },
  begin_suppress_tokens: { field: 'beginSuppressTokens', ...ids },
  renormalize_logits: { field: 'renormalizeLogits', ...flag },
  num_return_sequences: { field: 'numReturnSequences', ...whole },
  bos_token_id: { field: 'bosTokenId', ...whole },
  eos_token_id: { field: 'eosTokenIds', ...ids },
  pad_token_id: { field: 'padTokenId', ...whole },
  decoder_start_token_id: { field: 'decoderStartTokenId', ...whole },
  stop_strings: {
    field: 'stopStrings',
    isValid: (value) => Array.isArray(value) && value.every((text) => typeof text === 'string'),
    expected: 'a list of texts',
  },
}

/** The names of all fields. */
export const generationFields: readonly string[] = [
  ...Object.values(fields).map(({ field }) => field),
  'exponentialDecayLengthPenalty',
  'sequenceBias',
  'keepForcedWords',
]

const listFields: readonly string[] = ['forced_eos_token_id', 'eos_token_id', 'stop_strings']

/** What would change the result and is not computed here → the values that mean "off". */
const refused: Readonly<Record<string, readonly unknown[]>> = {
  constraints: [[]],
  guidance_scale: [1],
  watermarking_config: [],
  top_h: [],
  dola_layers: [],
  prompt_lookup_num_tokens: [],
  low_memory: [false],
}

/**
 * Reads a generation_config.json (or the generation fields of an older config.json). Null means absent; fields that do
 * not concern generation are skipped.
 *
 * @returns What the file says; what it does not say is absent.
 * @throws CheckpointError if a field is wrong, or asks for something that tfx does not compute.
 */
export function parseGenerationConfig(json: Readonly<Record<string, unknown>>): Partial<GenerationConfig> {
  const parsed: Partial<Record<Field, unknown>> = {}
  for (const [name, { field, isValid, expected }] of Object.entries(fields)) {
    let value = json[name] ?? undefined
    if (value === undefined) continue
    if (listFields.includes(name) && !Array.isArray(value)) value = [value]
    if (!isValid(value)) throw wrongField(name, expected, value)
    parsed[field] = value
  }
  for (const [name, off] of Object.entries(refused)) {
    const value = json[name] ?? undefined
    const isOff = off.some((other) => JSON.stringify(other) === JSON.stringify(value))
    if (value !== undefined && !isOff) throw wrongField(name, 'absent: tfx does not compute it', value)
  }
  const decay = json.exponential_decay_length_penalty ?? undefined
  if (decay !== undefined) {
    if (!Array.isArray(decay) || decay.length !== 2 || !decay.every(isNumber)) {
      throw wrongField('exponential_decay_length_penalty', 'a start and a factor', decay)
    }
    const [start, factor] = decay as [number, number]
    parsed.exponentialDecayLengthPenalty = { start, factor }
  }
  const bias = json.sequence_bias ?? undefined
  if (bias !== undefined) {
    const isPair = (pair: unknown) => Array.isArray(pair) && isIds(pair[0]) && isNumber(pair[1])
    if (!Array.isArray(bias) || !bias.every(isPair))
      throw wrongField('sequence_bias', 'pairs of tokens and a number', bias)
    parsed.sequenceBias = (bias as [number[], number][]).map(([tokens, value]) => ({ tokens, bias: value }))
  }
  return parsed as Partial<GenerationConfig>
}

/** What generation_config.json says for these settings: all that are given, in Hugging Face's spelling. */
export function formatGenerationConfig(config: Partial<GenerationConfig>): Record<string, unknown> {
  const json: Record<string, unknown> = {}
  for (const [name, { field }] of Object.entries(fields)) {
    const value = config[field]
    if (value === undefined) continue
    const isSingle = name.endsWith('_token_id') && Array.isArray(value) && value.length === 1
    json[name] = isSingle ? (value as unknown[])[0] : value
  }
  const { exponentialDecayLengthPenalty: decay, sequenceBias } = config
  if (decay) json.exponential_decay_length_penalty = [decay.start, decay.factor]
  if (sequenceBias) json.sequence_bias = sequenceBias.map(({ tokens, bias }) => [tokens, bias])
  return json
}

function wrongField(field: string, expected: string, received: unknown): CheckpointError {
  return new CheckpointError({
    function: 'parseGenerationConfig',
    argument: field,
    expected,
    received: JSON.stringify(received),
    remedy: 'Correct or remove the field in generation_config.json.',
  })
}
