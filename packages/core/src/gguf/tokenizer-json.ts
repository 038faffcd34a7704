import { byteLevelBpe } from './byte-level-bpe'
import { architectureOf } from './architectures'
import {
  flagOf,
  metadataError,
  numberOf,
  numbersOf,
  required,
  textOf,
  textsOf,
  type GgufFacts,
} from './metadata'
import { sentencePieceBpe } from './sentence-piece-bpe'
import type { GgufVocabulary, TokenizerKind } from './tokenizer-kind'

/** The parsed files of a tokenizer, as Python's `save_pretrained` would write them. */
interface TokenizerJson {
  /** tokenizer.json */
  readonly tokenizer: Readonly<Record<string, unknown>>
  /** tokenizer_config.json */
  readonly config: Readonly<Record<string, unknown>>
}

const kinds: Readonly<
  Record<string, (file: GgufFacts, vocabulary: GgufVocabulary, architecture: string) => TokenizerKind>
> = { gpt2: byteLevelBpe, llama: sentencePieceBpe }

/** llama.cpp's kinds of tokens that are kept whole in a text. */
const tokenTypes = { control: 3, userDefined: 4 }

const roles = { bos_token: 'bos', eos_token: 'eos', unk_token: 'unknown', pad_token: 'padding' }

/**
 * The tokenizer of a GGUF file as Hugging Face's files: byte-level BPE (`gpt2`) and SentencePiece's BPE (`llama`), as
 * transformers' `AutoTokenizer.from_pretrained(…, gguf_file=…)` makes them. A file without padding is padded with
 * what ends its texts. The chat template is kept.
 *
 * @throws CheckpointError if the tokenizer is of another kind, or the metadata contradicts itself.
 */
export function ggufTokenizer(file: GgufFacts): TokenizerJson {
  const kind = required(textOf, file, 'tokenizer.ggml.model')
  if (!Object.hasOwn(kinds, kind)) {
    throw metadataError(file, {
      key: 'tokenizer.ggml.model',
      expected: `one of ${Object.keys(kinds).join(', ')}`,
      received: kind,
      remedy: 'Put the tokenizer.json of the same model beside the file, and load the directory.',
    })
  }
  const vocabulary = {
    tokens: required(textsOf, file, 'tokenizer.ggml.tokens'),
    types: numbersOf(file, 'tokenizer.ggml.token_type') ?? [],
  }
  const made = kinds[kind]!(file, vocabulary, architectureOf(file, 'loadCheckpoint').name)
  const special = specialTokens(file, vocabulary.tokens)
  const start = special.bos_token
  const end = special.eos_token
  const adds = (role: string) => flagOf(file, `tokenizer.ggml.add_${role}_token`)
  const addsStart = start !== undefined && (adds('bos') ?? made.addsStart)
  const addsEnd = end !== undefined && (adds('eos') ?? false)
  const template = textOf(file, 'tokenizer.chat_template')
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(vocabulary, { special, isControl: made.isControl }),
      normalizer: made.normalizer,
      pre_tokenizer: made.preTokenizer,
      post_processor: postProcessor([addsStart ? [start] : [], addsEnd ? [end] : []]),
      decoder: made.decoder,
      model: made.model,
    },
    config: {
      ...Object.fromEntries(Object.entries(special).map(([role, { token }]) => [role, token])),
      add_bos_token: addsStart,
      add_eos_token: addsEnd,
      clean_up_tokenization_spaces: false,
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...(template !== undefined && { chat_template: template }),
    },
  }
}

interface SpecialToken {
  readonly id: number
  readonly token: string
}

function specialTokens(file: GgufFacts, tokens: readonly string[]): Record<string, SpecialToken> {
  const found: Record<string, SpecialToken> = {}
  for (const [role, name] of Object.entries(roles)) {
    const key = `tokenizer.ggml.${name}_token_id`
    const id = numberOf(file, key)
    if (id === undefined) continue
    const token = tokens[id]
    if (token === undefined) {
      throw metadataError(file, { key, expected: `an id below ${tokens.length}`, received: id })
    }
    found[role] = { id, token }
  }
  const padding = found.pad_token ?? found.eos_token
  return { ...found, ...(padding && { pad_token: padding }) }
}

function addedTokens(
  { tokens, types }: GgufVocabulary,
  { special, isControl }: { special: Record<string, SpecialToken>; isControl: (token: string) => boolean },
): object[] {
  const named = new Set(Object.values(special).map(({ id }) => id))
  return tokens.flatMap((content, id) => {
    const isSpecial = named.has(id) || (types[id] === tokenTypes.control && isControl(content))
    if (!isSpecial && types[id] !== tokenTypes.userDefined) return []
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: isSpecial }
    return content === '' ? [] : [{ id, content, ...flags }]
  })
}

/** Puts the tokens for start and end around each text. */
function postProcessor(around: readonly (readonly SpecialToken[])[]): object | null {
  const [before = [], behind = []] = around
  const tokens = [...before, ...behind]
  if (tokens.length === 0) return null
  const part = (id: string, type: number) => [
    ...before.map(({ token }) => ({ SpecialToken: { id: token, type_id: type } })),
    { Sequence: { id, type_id: type } },
    ...behind.map(({ token }) => ({ SpecialToken: { id: token, type_id: type } })),
  ]
  return {
    type: 'TemplateProcessing',
    single: part('A', 0),
    pair: [...part('A', 0), ...part('B', 1)],
    special_tokens: Object.fromEntries(
      tokens.map(({ id, token }) => [token, { id: token, ids: [id], tokens: [token] }]),
    ),
  }
}
