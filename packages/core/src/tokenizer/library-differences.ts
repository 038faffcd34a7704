import {
  ByteFallbackDecoder,
  PrecompiledNormalizer,
  SequenceDecoder,
  SequenceNormalizer,
  type Tokenizer,
} from '@huggingface/tokenizers'
import { charactersMap } from './sentence-piece/characters-map'

/**
 * Makes `@huggingface/tokenizers` do what Python's `tokenizers` does where it comes only near: it puts NFKC in the
 * place of every map of characters, and of bytes it drops a byte order mark and joins some that are no UTF-8.
 *
 * @throws CheckpointError if a map of characters is damaged.
 */
export function correctLibrary({ normalizer, decoder }: Tokenizer): void {
  for (const step of flattened(normalizer)) {
    if (step instanceof PrecompiledNormalizer && typeof step.charsmap === 'string') {
      step.normalize = charactersMap(Buffer.from(step.charsmap, 'base64'))
    }
  }
  const steps = decoder instanceof SequenceDecoder ? decoder.decoders : [decoder]
  for (const step of steps) {
    if (step instanceof ByteFallbackDecoder) step.text_decoder.decode = decodeBytes
  }
}

const flattened = (normalizer: Tokenizer['normalizer']): Tokenizer['normalizer'][] =>
  normalizer instanceof SequenceNormalizer ? normalizer.normalizers.flatMap(flattened) : [normalizer]

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes that are no UTF-8 become a replacement character each. */
function decodeBytes(bytes?: AllowSharedBufferSource): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return '\ufffd'.repeat(bytes?.byteLength ?? 0)
  }
}
