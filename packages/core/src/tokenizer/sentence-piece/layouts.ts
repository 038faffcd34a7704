import { mbart50Languages, mbartLanguages, nllbLanguages } from './languages'
import { pieceTypes, type SentencePieceModel } from './model-file'
import { textDecoder, charactersStep, prefixSteps, replace, type Step, wordDecoder, wordSteps } from './steps'
import type { Entry } from './vocabulary'

/** tokenizer_config.json and special_tokens_map.json in one. */
export type Configuration = Readonly<Record<string, unknown>>

/** What special tokens are for: the keys of tokenizer_config.json without `_token`. */
export const specialRoles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const
export type SpecialRole = (typeof specialRoles)[number]

/** The token of a role, as a checkpoint's files or else its family name it. */
export type SpecialTokens = Readonly<Partial<Record<SpecialRole, string>>>

/** What a layout is told. */
export interface LayoutInput {
  readonly model: SentencePieceModel
  readonly config: Configuration
  readonly tokens: SpecialTokens
}

/** What a family of checkpoints makes of a SentencePiece model: a class of tokenizers in transformers. */
export interface Layout {
  /** `tokenizer_class` in tokenizer_config.json. */
  readonly name: string
  readonly specialTokens: SpecialTokens
  /** Whether spaces before the mask belong to it. Default false. */
  readonly maskTakesSpaces?: boolean
  /** Every token of the vocabulary, in the order of ids. Default: the pieces. */
  readonly vocabulary?: (input: LayoutInput) => Entry[]
  /** Special tokens besides those with a role. Default: none. */
  readonly moreSpecialTokens?: (input: LayoutInput) => readonly string[]
  /** Default: the model's own. */
  readonly normalizer?: (input: LayoutInput) => readonly Step[]
  /** Default: {@link wordSteps}. */
  readonly preTokenizer?: (input: LayoutInput) => readonly Step[]
  /**
   * What surrounds a text, `A`, and a pair of texts, `A` and `B`: roles, and tokens in quotes. What comes after
   * a bar is of the second type.
   */
  readonly template: (input: LayoutInput) => { single: string; pair: string }
  /** Default: {@link wordDecoder}. */
  readonly decoder?: (input: LayoutInput) => Step
}

const angled = { bos: '<s>', eos: '</s>', unk: '<unk>', pad: '<pad>' } as const
const fairseq = { ...angled, sep: '</s>', cls: '<s>', mask: '<mask>' } as const
const squared = { unk: '[UNK]', sep: '[SEP]', pad: '[PAD]', cls: '[CLS]', mask: '[MASK]' } as const

export const entriesOf = (model: SentencePieceModel): Entry[] =>
  model.pieces.map(({ text, score }) => [text, score])

const withoutScore = (tokens: readonly string[]): Entry[] => tokens.map((token) => [token, 0])

/** fairseq numbers its special tokens itself: ids are those of the model plus one from the fourth piece on. */
function fairseqVocabulary({ model, tokens }: LayoutInput, more: readonly string[] = []): Entry[] {
  const first = [tokens.bos, tokens.pad, tokens.eos, tokens.unk].filter((token) => token !== undefined)
  return [
    ...withoutScore(first),
    ...entriesOf(model).slice(3),
    ...withoutScore([...more, ...(tokens.mask === undefined ? [] : [tokens.mask])]),
  ]
}

const quoted = (token: unknown, otherwise: string) => `'${typeof token === 'string' ? token : otherwise}'`

const t5Sentinels = ({ model, config: { extra_ids: count = 100 } }: LayoutInput): string[] => {
  const present = new Set(model.pieces.map(({ text }) => text))
  return Array.from(
    { length: typeof count === 'number' ? Math.min(count, 10_000) : 0 },
    (_, id) => `<extra_id_${id}>`,
  )
    .filter((token) => !present.has(token))
    .reverse()
}

/** Numbers with a comma behind them are made rare, so that both are found apart. */
const albertVocabulary = ({ model }: LayoutInput): Entry[] =>
  entriesOf(model).map(([text, score]) => [text, /\p{Nd},$/u.test(text) ? score - 100 : score])

/** 103 ids for what pretraining masked, then the pieces from the third on. */
function pegasusVocabulary(input: LayoutInput): Entry[] {
  const { model, tokens } = input
  const unused = pegasusUnused(input).map((token): Entry => [token, -100])
  const first = [tokens.pad, tokens.eos, pegasusSentenceMask(input), tokens.mask]
  return [
    ...withoutScore(first.filter((token) => token !== undefined)),
    ...unused,
    ...entriesOf(model).slice(2),
  ]
}
const pegasusSentenceMask = ({ config }: LayoutInput) =>
  config.mask_token_sent === null ? undefined : ((config.mask_token_sent as string | undefined) ?? '<mask_1>')
const pegasusUnused = ({ config: { offset = 103 } }: LayoutInput): string[] =>
  Array.from({ length: Math.min(Number(offset), 10_000) - 2 }, (_, index) => `<unk_${index + 2}>`)

function albertNormalizer({ model, config }: LayoutInput): Step[] {
  return [
    replace({ String: '``' }, '"'),
    replace({ String: "''" }, '"'),
    ...(config.keep_accents === true ? [] : [{ type: 'NFKD' }, { type: 'StripAccents' }]),
    ...(config.do_lower_case === false ? [] : [{ type: 'Lowercase' }]),
    ...charactersStep(model),
  ]
}

/** Legacy is what Hugging Face calls the mark of a space after every special token, not only at the beginning. */
function llamaPrefix({ config }: LayoutInput): (typeof prefixSteps)[keyof typeof prefixSteps] {
  if (config.add_prefix_space === false) return prefixSteps.none
  return config.legacy === false ? prefixSteps.first : prefixSteps.everywhere
}

function decoderTemplate({ config }: LayoutInput): { single: string; pair: string } {
  const bos = config.add_bos_token === false ? '' : 'bos'
  const eos = config.add_eos_token === true ? 'eos' : ''
  return { single: `${bos} A ${eos}`, pair: `${bos} A ${eos} | ${bos} B ${eos}` }
}

const bertTemplate = () => ({ single: 'cls A sep', pair: 'cls A sep | B sep' })

/** Old Gemma models have no piece for the tab but the one for its byte. */
function gemmaVocabulary({ model, tokens }: LayoutInput): Entry[] {
  const first = [tokens.pad, tokens.eos, tokens.bos].filter((token) => token !== undefined)
  const entries = [...withoutScore(first), ...entriesOf(model).slice(3)]
  if (entries.some(([token]) => token === '\t')) return entries
  return entries.map(([token, score]) => (token === '<0x09>' ? ['\t', 0] : [token, score]))
}

/** The classes of transformers that read a SentencePiece model. */
export const layouts: readonly Layout[] = [
  {
    name: 'T5Tokenizer',
    specialTokens: { eos: '</s>', unk: '<unk>', pad: '<pad>' },
    vocabulary: (input) => [...entriesOf(input.model), ...withoutScore(t5Sentinels(input))],
    moreSpecialTokens: t5Sentinels,
    template: () => ({ single: 'A eos', pair: 'A eos B eos' }),
  },
  {
    name: 'AlbertTokenizer',
    specialTokens: { ...squared, unk: '<unk>', pad: '<pad>' },
    maskTakesSpaces: true,
    vocabulary: albertVocabulary,
    normalizer: albertNormalizer,
    template: bertTemplate,
  },
  {
    name: 'PegasusTokenizer',
    specialTokens: { eos: '</s>', unk: '<unk>', pad: '<pad>', mask: '<mask_2>' },
    vocabulary: pegasusVocabulary,
    moreSpecialTokens: (input) => [pegasusSentenceMask(input) ?? [], pegasusUnused(input)].flat(),
    template: () => ({ single: 'A eos', pair: 'A B eos' }),
  },
  {
    name: 'DebertaV2Tokenizer',
    specialTokens: squared,
    vocabulary: ({ model, tokens }) => {
      const entries = entriesOf(model)
      const mask = tokens.mask ?? squared.mask
      return entries.some(([token]) => token === mask) ? entries : [...entries, [mask, 0]]
    },
    normalizer: ({ model, config }) => [
      ...(config.do_lower_case === true ? [{ type: 'Lowercase' }] : []),
      ...charactersStep(model),
    ],
    preTokenizer: ({ config }) =>
      config.split_by_punct === true
        ? [wordSteps[0]!, { type: 'Punctuation', behavior: 'isolated' }, ...wordSteps.slice(1)]
        : wordSteps,
    template: bertTemplate,
  },
  {
    name: 'XLMRobertaTokenizer',
    specialTokens: fairseq,
    maskTakesSpaces: true,
    vocabulary: (input) => fairseqVocabulary(input),
    template: () => ({ single: 'bos A eos', pair: 'bos A eos eos B eos' }),
  },
  {
    name: 'MBartTokenizer',
    specialTokens: fairseq,
    maskTakesSpaces: true,
    vocabulary: (input) => fairseqVocabulary(input, mbartLanguages),
    moreSpecialTokens: () => mbartLanguages,
    template: ({ config }) => {
      const end = `eos ${quoted(config.src_lang, 'en_XX')}`
      return { single: `A ${end}`, pair: `A B ${end}` }
    },
  },
  {
    name: 'MBart50Tokenizer',
    specialTokens: fairseq,
    maskTakesSpaces: true,
    vocabulary: (input) => fairseqVocabulary(input, mbart50Languages),
    moreSpecialTokens: () => mbart50Languages,
    template: ({ config }) => {
      const language = quoted(config.src_lang, 'en_XX')
      return { single: `${language} A eos`, pair: `${language} A B eos` }
    },
  },
  {
    name: 'NllbTokenizer',
    specialTokens: fairseq,
    maskTakesSpaces: true,
    vocabulary: (input) => fairseqVocabulary(input, nllbLanguages),
    moreSpecialTokens: () => nllbLanguages,
    template: ({ config }) => {
      const language = quoted(config.src_lang, 'eng_Latn')
      return config.legacy_behaviour === true
        ? { single: `A eos ${language}`, pair: `A B eos ${language}` }
        : { single: `${language} A eos`, pair: `${language} A B eos` }
    },
  },
  {
    name: 'LlamaTokenizer',
    specialTokens: { bos: '<s>', eos: '</s>', unk: '<unk>' },
    normalizer: (input) => [...charactersStep(input.model), ...llamaPrefix(input).normalizer],
    preTokenizer: (input) => llamaPrefix(input).preTokenizer,
    template: decoderTemplate,
    decoder: ({ config }) => textDecoder({ start: config.add_prefix_space === false ? 0 : 1 }),
  },
  {
    name: 'GemmaTokenizer',
    specialTokens: { bos: '<bos>', eos: '<eos>', unk: '<unk>', pad: '<pad>' },
    vocabulary: gemmaVocabulary,
    moreSpecialTokens: ({ model }) =>
      ['<start_of_turn>', '<end_of_turn>'].filter((token) => model.pieces.some(({ text }) => text === token)),
    normalizer: () => prefixSteps.none.normalizer,
    preTokenizer: () => [],
    template: decoderTemplate,
    decoder: () => textDecoder({ start: 0 }),
  },
]
