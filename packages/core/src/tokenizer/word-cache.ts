import { BPE, type Tokenizer as HuggingFaceTokenizer, Unigram } from '@huggingface/tokenizers'

type TokenizerModel = NonNullable<HuggingFaceTokenizer['model']>

/** Words remembered at most, 10 to 20 MB; then all are forgotten. The words of most data sets are fewer. */
const capacity = 2 ** 15

/** Longer words, in UTF-16 units, are too rare to be remembered. */
const longestWord = 64

/** What SentencePiece writes for a space. */
const space = '▁'

/**
 * Makes the model of a tokenizer (WordPiece, BPE, Unigram) remember the tokens of each word, with the same results. The
 * library remembers only BPE's, behind a slower cache, and overflows its stack on a text of some 100,000 tokens without
 * white space in Unigram.
 */
export function cacheWords(model: TokenizerModel): void {
  const encode = model.encode.bind(model)
  const tokensOf = model instanceof Unigram ? model.tokenize.bind(model) : (word: string) => encode([word])
  const isSplit = endsAtSpaces(model)
  const known = new Map<string, readonly string[]>()
  const remember = (word: string): readonly string[] => {
    const tokens = tokensOf(word)
    if (known.size === capacity) known.clear()
    known.set(word, tokens)
    return tokens
  }
  model.encode = (texts) => {
    const output: string[] = []
    for (const text of texts) {
      for (const word of isSplit ? splitAtSpaces(text) : [text]) {
        const tokens = word.length > longestWord ? tokensOf(word) : (known.get(word) ?? remember(word))
        for (const token of tokens) output.push(token)
      }
    }
    return output
  }
}

/**
 * Whether every token ends where a space begins, so that words can be encoded one by one: the library leaves the texts of
 * SentencePiece models whole.
 */
function endsAtSpaces(model: TokenizerModel): boolean {
  const isWithinWord = (token: string) => !/[^▁]▁/u.test(token)
  if (model instanceof Unigram) return model.vocab.every(isWithinWord)
  if (!(model instanceof BPE)) return false
  const {
    end_of_word_suffix: suffix,
    continuing_subword_suffix: continuing,
    ignore_merges: ignoresMerges,
  } = model
  if (suffix || continuing || ignoresMerges) return false
  return model.merges.every(([left, right]) => isWithinWord(left + right))
}

function splitAtSpaces(text: string): readonly string[] {
  return text.includes(space, 1) ? (text.match(/▁*[^▁]+|▁+/gu) ?? []) : [text]
}
