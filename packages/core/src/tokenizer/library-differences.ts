import {
  BertNormalizer,
  BertPreTokenizer,
  ByteFallbackDecoder,
  ByteLevelPreTokenizer,
  DigitsPreTokenizer,
  PrecompiledNormalizer,
  RobertaProcessingPostProcessor,
  SequenceDecoder,
  SequenceNormalizer,
  SequencePostProcessor,
  SequencePreTokenizer,
  type Tokenizer,
  WhitespacePreTokenizer,
  WhitespaceSplitPreTokenizer,
} from '@huggingface/tokenizers'
import { charactersMap } from './sentence-piece/characters-map'

/**
 * Makes `@huggingface/tokenizers` do what Python's `tokenizers` does where it comes only near. It puts NFKC in the place of
 * every map of characters, and of bytes it drops a byte order mark and joins some that are no UTF-8. Its words, digits and
 * spaces are ASCII's or JavaScript's, not Unicode's, and it looks for Chinese characters in single UTF-16 units.
 *
 * @throws CheckpointError if a map of characters is damaged.
 */
export function correctLibrary({ normalizer, pre_tokenizer, post_processor, decoder }: Tokenizer): void {
  for (const step of normalizersOf(normalizer)) {
    if (step instanceof PrecompiledNormalizer && typeof step.charsmap === 'string') {
      step.normalize = charactersMap(Buffer.from(step.charsmap, 'base64'))
    }
    if (step instanceof BertNormalizer) {
      Object.assign(step, { tokenize_chinese_chars: (text: string) => text.replace(chinese, ' $& ') })
    }
  }
  for (const step of preTokenizersOf(pre_tokenizer)) correctPreTokenizer(step)
  for (const step of postProcessorsOf(post_processor)) {
    if (step instanceof RobertaProcessingPostProcessor) ofOneType(step)
  }
  const steps = decoder instanceof SequenceDecoder ? decoder.decoders : [decoder]
  for (const step of steps) {
    if (step instanceof ByteFallbackDecoder) step.text_decoder.decode = decodeBytes
  }
}

const normalizersOf = (step: Tokenizer['normalizer']): Tokenizer['normalizer'][] =>
  step instanceof SequenceNormalizer ? step.normalizers.flatMap(normalizersOf) : [step]

const preTokenizersOf = (step: Tokenizer['pre_tokenizer']): Tokenizer['pre_tokenizer'][] =>
  step instanceof SequencePreTokenizer ? step.tokenizers.flatMap(preTokenizersOf) : [step]

const postProcessorsOf = (step: Tokenizer['post_processor']): Tokenizer['post_processor'][] =>
  step instanceof SequencePostProcessor ? step.processors.flatMap(postProcessorsOf) : [step]

/** As `is_chinese_char` of Rust's `tokenizers` has them. */
const chinese =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu

/** What `\w` is to Rust. */
const letters = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}'
const words = new RegExp(`[${letters}]+|[^${letters}\\p{White_Space}]+`, 'gu')

function correctPreTokenizer(step: Tokenizer['pre_tokenizer']): void {
  if (step instanceof WhitespacePreTokenizer) step.pre_tokenize_text = (text) => text.match(words) ?? []
  if (step instanceof WhitespaceSplitPreTokenizer) {
    step.pre_tokenize_text = (text) => text.match(/\P{White_Space}+/gu) ?? []
  }
  if (step instanceof DigitsPreTokenizer) {
    step.pattern = step.config.individual_digits ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu
  }
  if (step instanceof ByteLevelPreTokenizer || step instanceof BertPreTokenizer) {
    // To JavaScript's `\s` a byte order mark is a space, and U+0085 is none.
    const source = step.pattern.source
      .replaceAll('\\s', '\\p{White_Space}')
      .replaceAll('\\S', '\\P{White_Space}')
    step.pattern = new RegExp(source, step.pattern.flags)
  }
}

/** RoBERTa does not tell two texts apart: its embeddings of types have one row. */
function ofOneType(step: RobertaProcessingPostProcessor): void {
  const process = step.post_process.bind(step)
  step.post_process = (...texts) => {
    const processed = process(...texts)
    return { ...processed, token_type_ids: processed.tokens.map(() => 0) }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes that are no UTF-8 become a replacement character each. */
function decodeBytes(bytes?: AllowSharedBufferSource): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return '\ufffd'.repeat(bytes?.byteLength ?? 0)
  }
}
