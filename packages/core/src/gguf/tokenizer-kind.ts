/** The vocabulary of a GGUF file. */
export interface GgufVocabulary {
  /** By id. */
  readonly tokens: readonly string[]
  /** llama.cpp's kinds by id, or empty. */
  readonly types: readonly number[]
}

/** What a kind of tokenizer decides of a tokenizer.json. */
export interface TokenizerKind {
  readonly model: object
  readonly normalizer: object | null
  readonly preTokenizer: object | null
  readonly decoder: object
  /** Whether a text starts with the token for it where the file does not say. */
  readonly addsStart: boolean
  /** Whether a token that the file marks as one for control is kept whole. */
  readonly isControl: (token: string) => boolean
}
