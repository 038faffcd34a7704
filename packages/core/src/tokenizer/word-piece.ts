/** What a BERT tokenizer without a tokenizer.json is made of. */
export interface WordPieceOptions {
  /** The content of vocab.txt: one token a line, its id is the line's number. */
  vocabulary: string
  /** tokenizer_config.json: `do_lower_case`, `strip_accents`, `tokenize_chinese_chars`, special tokens. */
  config: Readonly<Record<string, unknown>>
}

const specialTokens = { pad: '[PAD]', unk: '[UNK]', cls: '[CLS]', sep: '[SEP]', mask: '[MASK]' } as const

/** The content of the tokenizer.json that Hugging Face would make from a BERT vocab.txt. */
export function wordPieceTokenizer({ vocabulary, config }: WordPieceOptions): Record<string, unknown> {
  const lines = vocabulary.split(/\r?\n/)
  while (lines.at(-1) === '') lines.pop()
  const vocab = new Map(lines.map((token, id) => [token, id]))
  const special = (role: keyof typeof specialTokens) => {
    const content = config[`${role}_token`]
    return typeof content === 'string' ? content : specialTokens[role]
  }
  const roles = Object.keys(specialTokens) as (keyof typeof specialTokens)[]
  const known = roles.map(special).filter((token) => vocab.has(token))
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  const cls = special('cls')
  const sep = special('sep')
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: known.map((content) => ({ id: vocab.get(content), content, ...flags })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars ?? true,
      strip_accents: config.strip_accents ?? null,
      lowercase: config.do_lower_case ?? true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: cls, type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: sep, type_id: 0 } },
      ],
      pair: [
        { SpecialToken: { id: cls, type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: sep, type_id: 0 } },
        { Sequence: { id: 'B', type_id: 1 } },
        { SpecialToken: { id: sep, type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(
        [cls, sep].map((id) => [id, { id, ids: [vocab.get(id)], tokens: [id] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: special('unk'),
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocab),
    },
  }
}
