export { encodeTexts, type EncodeTextsOptions } from './encode-texts'
export type { LanguageFamily, TokenizerLanguages } from './languages'
export { loadTokenizer } from './load-tokenizer'
export {
  type AddedToken,
  createTokenizer,
  type TokenizedText,
  type TokenizeOptions,
  type Tokenizer,
  type TokenizerParts,
} from './tokenizer'
export { trainTokenizer, type TrainTokenizerOptions } from './train-tokenizer'
export {
  translationPrefix,
  translationTokens,
  type TranslationDirection,
  type TranslationTokens,
} from './translation-tokens'
