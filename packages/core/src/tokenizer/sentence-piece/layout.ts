import type { SentencePieceModel } from './model-file'
import type { Step } from './steps'
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
