import { ArgumentError } from '@tfx/common'
import type { GenerationConfig, SequenceToSequenceConfig } from '@tfx/core'
import { split } from '@tfx/data'
import { encodePairs, type WritingHead, type WritingOptions } from '@tfx/transfer'
import { scoreSummaries } from './evaluate'
import type { ReadingOptions, SummaryExample } from './example'
import { usualLength } from './lengths'
import { prefixOf, withPrefix } from './prefix'
import { readExamples } from './read-examples'
import { createSummarizer, type Summarizer } from './summarizer'
import { writingLimit } from './summarize'

/** What summarization takes beside the options of every `transfer`. */
export interface SummarizationOptions extends ReadingOptions, WritingOptions {
  /** What is put in front of every document. Default: what the base says; `summarize: ` for a T5 that says nothing. */
  prefix?: string
}

/** Summarization from documents and their summaries. */
export const summarizationHead: WritingHead<
  SummaryExample,
  SummarizationOptions,
  SequenceToSequenceConfig,
  Summarizer
> = {
  name: 'summarization',
  kind: 'encoder-decoder',
  thread: new URL('./thread.js', import.meta.url),
  hasTexts: true,
  options: ['documentColumn', 'summaryColumn', 'incomplete', 'prefix'],
  read: (dataset, options) => readExamples(dataset, { ...options, caller: 'transfer' }),
  split: (examples, options) => split(examples, options),
  configure(config, _, { prefix = prefixOf(config) }) {
    checkPrefix(prefix)
    return withPrefix(config, prefix)
  },
  encode: (examples, options) => encodePairs(examples, { ...options, prefix: prefixOf(options.config) }),
  generation: usualGeneration,
  model: createSummarizer,
  scoreWriting: scoreSummaries,
}

/** Beams, no three words twice, and summaries of a usual length, where the base does not say. */
function usualGeneration(
  given: Partial<GenerationConfig>,
  config: SequenceToSequenceConfig,
): Partial<GenerationConfig> {
  const isLimited = given.maxLength !== undefined || given.maxNewTokens !== undefined
  return {
    numBeams: 4,
    noRepeatNgramSize: 3,
    ...given,
    ...(!isLimited && { maxNewTokens: Math.min(usualLength, writingLimit(config)) }),
  }
}

/** @throws ArgumentError */
function checkPrefix(prefix: unknown): void {
  if (typeof prefix === 'string') return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'prefix',
    expected: 'a text',
    received: String(prefix),
    remedy: "Leave it out to use the base's, or pass '' for none.",
  })
}
