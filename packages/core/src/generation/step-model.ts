import type { PromptCache } from './prompt-cache'

/** The prompts of one call as a rectangle: what a {@link StepModel} reads first. */
export interface PromptBatch {
  /** The number of prompts. */
  readonly rows: number
  /** Tokens per row, padding included. */
  readonly length: number
  /** Token ids, [rows, length]. Decoders get their padding on the left, encoders on the right. */
  readonly inputIds: Int32Array
  /** 1 where a token is, 0 where padding is, [rows, length]. */
  readonly attentionMask: Int32Array
  /** What the decoder of an encoder-decoder starts with, [rows, 1]; absent in decoder-only models. */
  readonly decoderInputIds?: Int32Array
}

/** What a {@link StepModel} may prepare for: sizes of caches, and whether hidden states will be read. */
export interface StepPlan {
  /** The longest sequence in tokens (of the decoder), prompt and padding included. */
  readonly maxLength: number
  /** The largest number of rows that `next` will be called with. */
  readonly maxRows: number
  /** Contrastive search reads {@link StepSession.hiddenStates}; every other method does not. */
  readonly hiddenStates: boolean
  /** Where the beginning of the prompt may be known from, and where its text is to be kept. Only with one row. */
  readonly cache?: PromptCache | undefined
  /** Whether steps may be computed together with those of other sessions. Only with one row. Default false. */
  readonly shared?: boolean | undefined
}

/** The last hidden layer, from which contrastive search measures how much a token repeats its context. */
export interface StepHiddenStates {
  readonly hiddenSize: number
  /** Of every token of the (decoder's) prompt, [rows, length, hiddenSize]. */
  readonly prompt: Float32Array
  /** Of the tokens that the latest `next` was given, [rows, hiddenSize]; read before the next call. */
  last(): Float32Array
}

/** Sequences in progress, with whatever the model remembers of them (its key/value cache). */
export interface StepSession {
  /** Logits of the token after each prompt, [rows, vocabSize]. They are overwritten by the caller. */
  readonly scores: Float32Array
  /** How many tokens of the prompt were known from the plan's cache, and not read. Default 0. */
  readonly knownTokens?: number
  /** Present when the plan asked for it and the model can; else contrastive search is refused. */
  readonly hiddenStates?: StepHiddenStates
  /**
   * Appends one token to each row and scores the token after it.
   *
   * @param tokens The token of each new row; its length is the number of new rows.
   * @param rows Which row of the previous call (or of the prompts) each new row continues. A row may be
   *   continued several times (beams) or not at all (finished sequences): this reorders the cache.
   * @returns Logits, [tokens.length, vocabSize]. The caller overwrites them, and reads them only until
   *   the next call: one buffer may serve every step.
   */
  next(tokens: Int32Array, rows: Int32Array): Promise<Float32Array>
  /** Frees the cache. Called once, also after an error or an abort. */
  dispose(): void | Promise<void>
}

/**
 * A language model as generation sees it: scores of the next token, one step at a time.
 *
 * A cached ONNX session, a tfjs function, and a table of numbers can all be one; decoder-only and
 * encoder-decoder models differ only in {@link PromptBatch.decoderInputIds}.
 *
 * @example
 * ```ts
 * const bigrams: StepModel = {
 *   vocabSize: 4,
 *   isEncoderDecoder: false,
 *   start: async ({ rows, length, inputIds }) => {
 *     const scores = (tokens: ArrayLike<number>) =>
 *       Float32Array.from({ length: tokens.length * 4 }, (_, i) => (i % 4 === (tokens[i >> 2]! + 1) % 4 ? 1 : 0))
 *     const last = Array.from({ length: rows }, (_, row) => inputIds[(row + 1) * length - 1]!)
 *     return { scores: scores(last), next: async (tokens) => scores(tokens), dispose() {} }
 *   },
 * }
 * ```
 */
export interface StepModel {
  readonly vocabSize: number
  /** True if prompts go into an encoder and generation starts from a start token. */
  readonly isEncoderDecoder: boolean
  /** The longest (decoder) sequence that the position table holds; absent if there is no limit. */
  readonly maxPositions?: number
  /** How many tokens an encoder embeds: its prompts have no others. Absent where only itself knows. */
  readonly encoderVocabSize?: number
  /** The longest prompt that an encoder reads; absent if there is no limit. */
  readonly encoderPositions?: number
  /** Reads the prompts. Several sessions of one model may be open at a time. */
  start(prompts: PromptBatch, plan: StepPlan): Promise<StepSession>
}
