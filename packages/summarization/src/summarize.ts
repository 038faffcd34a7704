import { ArgumentError, checkIsOptions } from '@tfx/common'
import { modelFamily, type SequenceToSequenceConfig } from '@tfx/core'
import { textFault } from '@tfx/data'
import { type LanguageModel, type PartOfStream, textPlace, type WriteOptions } from '@tfx/transfer'
import type { SummaryExample } from './example'
import type { SummarizationOptions } from './head'
import { type LengthOptions, lengthSettings, usualLength } from './lengths'
import { cutDocument, encodeText, type Reader, roomFor } from './parts'
import { prefixOf } from './prefix'

/** How documents are summarized: lengths, and the settings of `generate` over the model's own. */
export interface SummarizeOptions
  extends LengthOptions, Omit<WriteOptions, keyof LengthOptions | 'maxNewTokens' | 'minNewTokens'> {
  /**
   * What to do with a document that is longer than the model reads: `parts` summarizes its parts and then their summaries,
   * `beginning` reads its beginning only, `error` refuses it. Default `parts`.
   */
  longDocuments?: 'parts' | 'beginning' | 'error'
  /** Documents of more parts than this are refused: they would take very long. Default 64. */
  maxParts?: number
}

/** A summary, and how it came about. */
export interface Summary {
  readonly text: string
  /** How many parts of the document were read one by one; 1 if it was read whole. */
  readonly parts: number
  /** 1 if the document was read itself; more if its parts' summaries were summarized. */
  readonly passes: number
  /** Whether the end of the document was left unread. */
  readonly truncated: boolean
}

/** A language model of summaries. */
export type SummaryLanguageModel = LanguageModel<
  SummaryExample,
  SummarizationOptions,
  SequenceToSequenceConfig
>

/**
 * Summarizes documents, in batches of like length across all of them. A document that is longer than the model reads is cut
 * between sentences, its parts are summarized one by one, and then their summaries, joined, in the same way, until they
 * fit: facts of different parts meet only in the last pass, and each pass can lose some.
 *
 * @throws ArgumentError on texts that are blank, too long, or hold control characters or half of a surrogate pair, and on
 *   settings that contradict each other; AbortedError if the signal fires.
 */
export async function summarizeTexts(
  model: SummaryLanguageModel,
  texts: readonly string[],
  given: SummarizeOptions & PartOfStream = {},
): Promise<Summary[]> {
  checkIsOptions(given, { caller: 'summarize' })
  const {
    style,
    maxLength,
    minLength,
    longDocuments = 'parts',
    maxParts = 64,
    firstIndex,
    ...options
  } = given
  checkLongDocuments(longDocuments)
  checkMaxParts(maxParts)
  const { tokenizer, config, generation } = model
  const reader = { tokenizer, maxLength: model.maxLength, prefix: prefixOf(config) }
  const settings = { ...options, ...lengthSettings({ style, maxLength, minLength }, writingLimit(config)) }
  const most = settings.maxNewTokens ?? generation.maxNewTokens ?? generation.maxLength ?? usualLength
  // Of a part no more is written than half of what the model reads, so that each pass leaves less to read.
  const ofPart = { maxNewTokens: Math.min(most, roomFor(reader) >> 1), minLength: 0, minNewTokens: 0 }
  const documents = texts.map((text, index) => {
    const argument = textPlace(texts.length, index, { firstIndex })
    checkText(text, argument)
    return readable(text, reader, { longDocuments, maxParts, argument })
  })
  const write = async (parts: readonly string[], more: WriteOptions = {}): Promise<string[]> => {
    const prompts = parts.map((part) => encodeText(reader, part).inputIds)
    const written = await model.write(prompts, { ...settings, ...more })
    return written.map(([best]) => tokenizer.decode(best?.tokens ?? []).trim())
  }
  const results = await summarizeParts(
    documents.map(({ parts }) => parts),
    {
      whole: write,
      part: (parts) => write(parts, ofPart),
      cut: (text) => cutDocument(text, reader, { maxParts: Infinity, argument: 'text' }),
    },
  )
  return results.map((result, index) => {
    const { parts, truncated } = documents[index] ?? { parts: [], truncated: false }
    return { ...result, parts: parts.length, truncated: truncated || result.truncated }
  })
}

type Write = (texts: readonly string[]) => Promise<string[]>

/** How documents and parts of them are summarized, and how texts are cut into parts. */
interface Passes {
  whole: Write
  part: Write
  cut: (text: string) => string[]
}

/** One pass over documents in parts, and more over the summaries of those that have several. */
async function summarizeParts(
  documents: readonly (readonly string[])[],
  passes: Passes,
): Promise<Omit<Summary, 'parts'>[]> {
  const long = documents.filter(({ length }) => length > 1)
  const whole = await passes.whole(documents.filter(({ length }) => length === 1).flat())
  if (long.length === 0) return whole.map((text) => ({ text, passes: 1, truncated: false }))
  const summaries = await passes.part(long.flat())
  const next = long.map((parts) => {
    const joined = summaries.splice(0, parts.length).join('\n')
    const cut = joined.trim() === '' ? [''] : passes.cut(joined)
    // A model that writes bytes that are no text can write more than it reads: no pass may leave as many parts.
    return { cut, kept: cut.slice(0, Math.ceil(parts.length / 2)) }
  })
  const results = await summarizeParts(
    next.map(({ kept }) => kept),
    passes,
  )
  const longResults = results.map((result, index) => {
    const { cut = [], kept = [] } = next[index] ?? {}
    return {
      text: result.text,
      passes: result.passes + 1,
      truncated: result.truncated || kept.length < cut.length,
    }
  })
  return documents.map((parts) => {
    const own = parts.length > 1 ? longResults.shift() : undefined
    return own ?? { text: whole.shift() ?? '', passes: 1, truncated: false }
  })
}

/** The parts of a document that will be read. @throws ArgumentError */
function readable(
  text: string,
  reader: Reader,
  {
    longDocuments,
    maxParts,
    argument,
  }: Required<Pick<SummarizeOptions, 'longDocuments' | 'maxParts'>> & { argument: string },
): { parts: string[]; truncated: boolean } {
  if (longDocuments === 'parts') {
    return { parts: cutDocument(text, reader, { maxParts, argument }), truncated: false }
  }
  // No token has more characters than this: what is behind them need not be looked at.
  const beginning = text.slice(0, reader.maxLength * longestToken)
  const truncated = encodeText(reader, beginning).truncated || beginning.length < text.length
  if (!truncated || longDocuments === 'beginning') return { parts: [beginning], truncated }
  throw new ArgumentError({
    function: 'summarize',
    argument,
    expected: `at most ${reader.maxLength} tokens long, which is what the model reads at once`,
    received: `${text.length} characters`,
    remedy: "Leave out longDocuments to have it read in parts, or pass 'beginning'.",
  })
}

const longestToken = 64

/** The most tokens that the decoder writes. */
export function writingLimit(config: SequenceToSequenceConfig): number {
  const family = modelFamily(config.modelType)
  return family.maxLength(config) - 1
}

function checkText(text: unknown, argument: string): void {
  const fault = textFault(text)
  if (fault) throw new ArgumentError({ function: 'summarize', argument, ...fault })
}

function checkMaxParts(given: unknown): void {
  if (typeof given === 'number' && given >= 1) return
  throw new ArgumentError({
    function: 'summarize',
    argument: 'maxParts',
    expected: 'a number of at least 1',
    received: String(given),
    remedy: 'Leave it out for 64.',
  })
}

function checkLongDocuments(given: unknown): void {
  if (given === 'parts' || given === 'beginning' || given === 'error') return
  throw new ArgumentError({
    function: 'summarize',
    argument: 'longDocuments',
    expected: "'parts', 'beginning' or 'error'",
    received: JSON.stringify(given),
    remedy: "Leave it out for 'parts'.",
  })
}
