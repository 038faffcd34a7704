import type { RowSource } from '@tfx/data'

/** A document and its summary. */
export interface SummaryExample {
  /** The document. */
  readonly text: string
  /** The summary to learn: the first of several. */
  readonly target: string
  /** All summaries that will do; evaluation takes the one that is nearest. */
  readonly targets: readonly string[]
}

/** How documents and their summaries are read. */
export interface ReadingOptions {
  /** Default: `document`, `text`, `article`, `source`, … whichever is there. */
  documentColumn?: string
  /** Default: `summary`, `target`, `highlights`, `tldr`, … whichever is there. */
  summaryColumn?: string
  /** What to do with rows that lack a document or a summary: refuse them all (default), or leave them out. */
  incomplete?: 'error' | 'drop'
}

/** Documents and summaries to learn from, or training rows with validation rows beside them. */
export type SummaryDataset = RowSource | { readonly train: RowSource; readonly validation?: RowSource }
