export { encodeTexts, type EncodeTextsOptions } from './encode-texts'
export { loadTokenizer } from './load-tokenizer'
export {
  type AddedToken,
  createTokenizer,
  type TokenizedText,
  type TokenizeOptions,
  type Tokenizer,
  type TokenizerParts,
} from './tokenizer'
