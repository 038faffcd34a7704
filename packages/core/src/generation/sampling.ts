import { createRandom, mixSeed, type Random } from '@tfx/common'
import type { GenerationRun } from './generation-run'
import { growingHistory, type GrowingHistory } from './history'
import { argmax, sampleIndex } from './scores'
import type { FinishReason } from './stopping'

/** One sequence that is being written. */
interface Row {
  readonly history: GrowingHistory
  readonly tokens: number[]
  readonly random: Random
  finish?: FinishReason
}

/** A token that was written: for which prompt, as which of its sequences. */
export interface WrittenToken {
  readonly prompt: number
  readonly sequence: number
  readonly token: number
}

/** A finished sequence. */
export interface GeneratedSequence {
  /** The new tokens, without the prompt; the end token is one of them. */
  readonly tokens: number[]
  /** The sum of its log probabilities over its length to the power of `lengthPenalty`; of beam searches only. */
  readonly score?: number
  readonly finish: FinishReason
}

/** Greedy search and sampling: the likeliest token, or a drawn one, step by step. Finished rows leave the batch. */
export async function* sampleTokens(run: GenerationRun): AsyncGenerator<WrittenToken, GeneratedSequence[][]> {
  const { session, model, config, processors, stopping, seed } = run
  const copies = config.numReturnSequences
  const rows = run.prompts.flatMap((prompt, index) =>
    Array.from({ length: copies }, (_, copy): Row & { prompt: number; copy: number } => ({
      prompt: index,
      copy,
      history: growingHistory(prompt.ids, { ...prompt, prompt: index, capacity: run.maxLength }),
      tokens: [],
      // Each has a stream of its own, so that it does not depend on the rest of the batch.
      random: createRandom(mixSeed(mixSeed(seed, index), copy)),
    })),
  )
  let active = rows
  let scores = session.scores
  /** Where the scores of each active row are. */
  let sources = Int32Array.from(rows, ({ prompt }) => prompt)
  // The processors of one row must not change what another one reads.
  const isShared = copies > 1
  for (;;) {
    for (const [index, row] of active.entries()) {
      const start = sources[index]! * model.vocabSize
      const view = scores.subarray(start, start + model.vocabSize)
      const own = isShared && sources.length > scores.length / model.vocabSize ? view.slice() : view
      for (const process of processors) process(own, row.history)
      const token = config.doSample ? sampleIndex(own, row.random) : argmax(own)
      row.history.push(token)
      row.tokens.push(token)
      const finish = stopping(row.history, row.tokens.length)
      if (finish !== undefined) row.finish = finish
      yield { prompt: row.prompt, sequence: row.copy, token }
    }
    const going = active.flatMap((row, index) =>
      row.finish === undefined ? [{ row, source: sources[index]! }] : [],
    )
    if (going.length === 0) break
    run.checkAbort()
    active = going.map(({ row }) => row)
    const tokens = Int32Array.from(active, ({ tokens: own }) => own.at(-1)!)
    scores = await session.next(
      tokens,
      Int32Array.from(going, ({ source }) => source),
    )
    sources = Int32Array.from(active.keys())
  }
  return run.prompts.map((_, prompt) =>
    rows.flatMap((row) => (row.prompt === prompt ? [{ tokens: row.tokens, finish: row.finish! }] : [])),
  )
}
