/** The parts of a tokenizer.json that depend on how text is cut before a byte-level BPE. */
export interface PreTokenizer {
  readonly normalizer: object | null
  readonly preTokenizer: object
  /** Whether a piece that is a token is taken whole, whatever the merges say. */
  readonly ignoresMerges: boolean
  /** Whether a text starts with the token for it where the file does not say. */
  readonly addsStart: boolean
}

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const rest = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const withSlash = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const upper = '\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}'
const lower = '\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}'
const mark = '[^\\r\\n\\p{L}\\p{N}]?'

const llama3 = `${contractions}|${mark}\\p{L}+|\\p{N}{1,3}|${rest}`
const qwen2 = `${contractions}|${mark}\\p{L}+|\\p{N}|${rest}`
const tekken = `${mark}[${upper}]*[${lower}]+|${mark}[${upper}]+[${lower}]*|\\p{N}|${withSlash}`
const gpt4o = `${mark}[${upper}]*[${lower}]+${contractions}?|${mark}[${upper}]+[${lower}]*${contractions}?|\\p{N}{1,3}|${withSlash}`

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
const bytes = { ...byteLevel, use_regex: false }
const sequence = (...pretokenizers: object[]) => ({ type: 'Sequence', pretokenizers })
const split = (pattern: string) =>
  sequence({ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }, bytes)

const plain = { normalizer: null, ignoresMerges: false, addsStart: false }
const gpt2: PreTokenizer = { ...plain, preTokenizer: byteLevel }
const digits: PreTokenizer = {
  ...plain,
  preTokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel),
}
const llama3Split = { ...plain, preTokenizer: split(llama3), ignoresMerges: true }
const qwen2Split = { ...plain, normalizer: { type: 'NFC' }, preTokenizer: split(qwen2) }
const gpt4oSplit = { ...plain, preTokenizer: split(gpt4o) }

/**
 * `tokenizer.ggml.pre` → what it stands for: the patterns are those of transformers' GGUF reader; digits,
 * normalization, merges and the token at the start are as in llama.cpp and the models' own tokenizer.json.
 */
export const preTokenizers: ReadonlyMap<string, PreTokenizer> = new Map([
  ['gpt-2', gpt2],
  ['default', gpt2],
  ['smollm', digits],
  ['starcoder', digits],
  ['llama-bpe', { ...llama3Split, addsStart: true }],
  ['llama3', { ...llama3Split, addsStart: true }],
  ['llama-v3', { ...llama3Split, addsStart: true }],
  ['falcon3', llama3Split],
  ['smaug-bpe', llama3Split],
  ['qwen2', qwen2Split],
  ['deepseek-r1-qwen', qwen2Split],
  ['tekken', { ...plain, preTokenizer: split(tekken), ignoresMerges: true }],
  ['gpt-4o', gpt4oSplit],
])
