import { mergesOf } from './byte-level-bpe'
import { flagOf, metadataError, numbersOf, required, type GgufFacts } from './metadata'
import type { GgufVocabulary, TokenizerKind } from './tokenizer-kind'

/** SentencePiece's spelling of a space. */
const space = '\u2581'

/** The longest pieces of published vocabularies are runs of some dozens of spaces. */
const longestPiece = 512

/**
 * SentencePiece's BPE, Llama's kind. Where the file has no merges, as is usual, they follow from the vocabulary: two
 * tokens that make a third are merged, the better the third's score, the sooner; of Gemma, the sooner it is listed.
 *
 * @throws CheckpointError if scores are missing or a token is longer than any real one.
 */
export function sentencePieceBpe(
  file: GgufFacts,
  { tokens: given }: GgufVocabulary,
  architecture: string,
): TokenizerKind {
  const isGemma = architecture.startsWith('gemma')
  const isSpaces = (token: string) => /^ +$/.test(token)
  const tokens = isGemma
    ? given.map((token) => (isSpaces(token) ? space.repeat(token.length) : token))
    : given
  const hasMerges = file.metadata.has('tokenizer.ggml.merges')
  const scores = isGemma ? tokens.map((_, id) => -id) : hasMerges ? [] : scoresOf(file, tokens.length)
  const prefixed = !isGemma && (flagOf(file, 'tokenizer.ggml.add_space_prefix') ?? true)
  return {
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: hasMerges ? mergesOf(file) : impliedMerges(file, tokens, scores),
    },
    ...splitting(architecture, prefixed),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: space }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefixed ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    addsStart: true,
    isControl: () => true,
  }
}

/** How spaces are spelled, and the one in front of the text. */
function splitting(
  architecture: string,
  prefixed: boolean,
): Pick<TokenizerKind, 'normalizer' | 'preTokenizer'> {
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: space }
  if (architecture === 'phi3' && prefixed) {
    const normalizers = [{ type: 'Prepend', prepend: space }, replace]
    return { normalizer: { type: 'Sequence', normalizers }, preTokenizer: null }
  }
  if (!prefixed) return { normalizer: replace, preTokenizer: null }
  return {
    normalizer: null,
    preTokenizer: { type: 'Metaspace', replacement: space, prepend_scheme: 'first', split: false },
  }
}

function scoresOf(file: GgufFacts, count: number): readonly number[] {
  const key = 'tokenizer.ggml.scores'
  const scores = required(numbersOf, file, key)
  if (scores.length === count) return scores
  throw metadataError(file, { key, expected: `${count}, one for each token`, received: scores })
}

/** As `generate_merges` of transformers. */
function impliedMerges(file: GgufFacts, tokens: readonly string[], scores: readonly number[]): string[][] {
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const merges: { pair: string[]; score: number; lengths: readonly [number, number] }[] = []
  for (const [token, id] of ids) {
    const characters = [...token]
    if (characters.length > longestPiece) {
      throw metadataError(file, {
        key: 'tokenizer.ggml.tokens',
        expected: `tokens of at most ${longestPiece} characters`,
        received: characters.length,
      })
    }
    for (let cut = 1; cut < characters.length; cut++) {
      const pair = [characters.slice(0, cut).join(''), characters.slice(cut).join('')]
      if (!pair.every((part) => ids.has(part))) continue
      merges.push({ pair, score: scores[id]!, lengths: [cut, characters.length - cut] })
    }
  }
  merges.sort((a, b) => b.score - a.score || b.lengths[0] - a.lengths[0] || b.lengths[1] - a.lengths[1])
  return merges.map(({ pair }) => pair)
}
