import { CheckpointError } from '@tfx/common'
import { tokenText } from '../token-text'
import { mbart50Languages, mbartLanguages, nllbLanguages } from './languages'
import type { Configuration, Layout, LayoutInput } from './layout'
import { charactersStep, prefixSteps, replace, type Step, textDecoder, wordSteps } from './steps'
import { type Entry, entriesOf } from './vocabulary'

const angled = { bos: '<s>', eos: '</s>', unk: '<unk>', pad: '<pad>' } as const
const fairseq = { ...angled, sep: '</s>', cls: '<s>', mask: '<mask>' } as const
const squared = { unk: '[UNK]', sep: '[SEP]', pad: '[PAD]', cls: '[CLS]', mask: '[MASK]' } as const

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
  config.mask_token_sent === null ? undefined : (tokenText(config.mask_token_sent) ?? '<mask_1>')

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
const families: readonly Layout[] = [
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
    decoder: ({ config }) => textDecoder(config.add_prefix_space !== false),
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
    decoder: () => textDecoder(false),
  },
]

/** The class that transformers takes for a `model_type` of config.json. */
const classes: Readonly<Record<string, string>> = {
  t5: 'T5Tokenizer',
  mt5: 'T5Tokenizer',
  albert: 'AlbertTokenizer',
  pegasus: 'PegasusTokenizer',
  'deberta-v2': 'DebertaV2Tokenizer',
  'xlm-roberta': 'XLMRobertaTokenizer',
  mbart: 'MBartTokenizer',
  m2m_100: 'NllbTokenizer',
  llama: 'LlamaTokenizer',
  mistral: 'LlamaTokenizer',
  phi3: 'LlamaTokenizer',
  gemma: 'GemmaTokenizer',
  gemma2: 'GemmaTokenizer',
  gemma3: 'GemmaTokenizer',
  gemma3_text: 'GemmaTokenizer',
}

/**
 * How a checkpoint uses its SentencePiece model: `tokenizer_class` of tokenizer_config.json says, else
 * `model_type` of config.json.
 *
 * @throws CheckpointError if neither names a family that is known.
 */
export function layoutOf(options: {
  config: Configuration
  modelType: unknown
  /** The model's file. */
  file: string
}): Layout {
  const { config, file } = options
  const modelType = typeof options.modelType === 'string' ? options.modelType : ''
  const given = typeof config.tokenizer_class === 'string' ? config.tokenizer_class : ''
  const known = (wanted: string | undefined) => families.find(({ name }) => name === wanted)
  const layout = known(given.replace(/Fast$/, '').replace(/^MT5/, 'T5')) ?? known(classes[modelType])
  if (layout) return layout
  throw new CheckpointError({
    function: 'loadTokenizer',
    argument: file,
    expected: `a SentencePiece model whose use tokenizer_config.json or config.json tells: 'tokenizer_class' one of ${families.map(({ name }) => name).join(', ')}`,
    received: `tokenizer_class ${given || 'absent'}, model_type ${modelType || 'absent'}`,
    remedy:
      "Add the file that says so, or convert it once, in Python by AutoTokenizer.from_pretrained('directory').save_pretrained('directory').",
  })
}
