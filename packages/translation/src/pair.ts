import type { RowSource } from '@tfx/data'

/** A text and its translation. */
export interface TranslationPair {
  readonly text: string
  readonly target: string
  /** From which language to which; absent where nothing says. */
  readonly sourceLanguage?: string
  readonly targetLanguage?: string
}

/** Two files whose lines correspond, also with .gz. */
export interface ParallelFiles {
  readonly source: string | URL
  readonly target: string | URL
}

/**
 * What pairs are read from: rows with `source` and `target`, with a column for each language, such as `en` and `de`, or
 * with `translation`, an object of those; or two files whose lines correspond.
 */
export type PairSource = RowSource | ParallelFiles

/** How pairs are read. */
export interface PairOptions {
  /** The language of what is translated; of rows with a column for each language, its name. Default: the first column. */
  source?: string
  /** The language of the translations; of rows with a column for each language, its name. Default: the second column. */
  target?: string
  /** Learn each pair the other way round, too; both languages must be known. Default false. */
  bothDirections?: boolean
  /** What to do with pairs that lack a side: refuse all pairs (default), or leave them out. */
  incomplete?: 'error' | 'drop'
}
