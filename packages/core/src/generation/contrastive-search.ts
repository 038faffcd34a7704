import type { GenerationRun } from './generation-run'
import { growingHistory, type GrowingHistory } from './history'
import type { GeneratedSequence } from './sampling'
import { logSoftmax } from './scores'
import { createSelection } from './selection'
import type { FinishReason } from './stopping'
import { wrong } from './check-generation'

interface Row {
  readonly prompt: number
  readonly history: GrowingHistory
  readonly tokens: number[]
  /** Hidden states of the tokens so far, each of length 1. */
  readonly context: Float32Array[]
  finish?: FinishReason
}

/**
 * Contrastive search (Su et al. 2022, [arXiv:2202.06417](https://arxiv.org/abs/2202.06417)): of the `topK` likeliest
 * tokens the one with the largest (1 − α) · probability − α · similarity, where similarity is the largest cosine
 * between its hidden state and those of the context.
 *
 * @throws ArgumentError if the model does not give its hidden states.
 */
export async function searchContrastively(run: GenerationRun): Promise<GeneratedSequence[][]> {
  const { session, model, config, processors, stopping } = run
  const states = session.hiddenStates
  if (!states)
    throw wrong('penaltyAlpha', 'used with a model that gives its hidden states', 'one that does not')
  const { hiddenSize } = states
  const alpha = config.penaltyAlpha ?? 0
  const count = Math.min(config.topK, model.vocabSize)
  const selection = createSelection(count)
  const rows = run.prompts.map(({ ids, padding }, prompt): Row => {
    const positions = Array.from({ length: ids.length - padding }, (_, index) => padding + index)
    const context = positions.map((position) =>
      unit(states.prompt, (prompt * ids.length + position) * hiddenSize, hiddenSize),
    )
    const history = growingHistory(ids, { prompt, padding, capacity: run.maxLength })
    return { prompt, history, tokens: [], context }
  })
  let active = rows
  let scores = session.scores
  let sources = rows.map((_, index) => index)
  for (;;) {
    const candidates = active.map(({ history }, index) => {
      const start = sources[index]! * model.vocabSize
      const own = scores.slice(start, start + model.vocabSize)
      for (const process of processors) process(own, history)
      logSoftmax(own)
      selection.scan(own)
      const { indices, values } = selection.take()
      return indices.map((token, rank) => ({ token, probability: Math.exp(values[rank]!) }))
    })
    run.checkAbort()
    const tokens = candidates.flatMap((own) => own.map(({ token }) => token))
    const from = candidates.flatMap((own, index) => own.map(() => sources[index]!))
    scores = await session.next(Int32Array.from(tokens), Int32Array.from(from))
    const hidden = states.last()
    const going: { row: Row; source: number }[] = []
    active.forEach((row, index) => {
      const first = index * count
      const vectors = candidates[index]!.map((_, rank) =>
        unit(hidden, (first + rank) * hiddenSize, hiddenSize),
      )
      const values = candidates[index]!.map(
        ({ probability }, rank) => (1 - alpha) * probability - alpha * closeness(vectors[rank]!, row.context),
      )
      const best = values.indexOf(Math.max(...values))
      const { token } = candidates[index]![best]!
      row.history.push(token)
      row.tokens.push(token)
      row.context.push(vectors[best]!)
      const finish = stopping(row.history, row.tokens.length)
      if (finish === undefined) going.push({ row, source: first + best })
      else row.finish = finish
    })
    if (going.length === 0) break
    active = going.map(({ row }) => row)
    sources = going.map(({ source }) => source)
  }
  return rows.map(({ tokens, finish }) => [{ tokens, finish: finish! }])
}

/** A vector scaled to length 1. */
function unit(from: Float32Array, start: number, size: number): Float32Array {
  const vector = from.slice(start, start + size)
  const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return norm === 0 ? vector : vector.map((value) => value / norm)
}

/** The largest cosine between a vector and those of the context. */
function closeness(vector: Float32Array, context: readonly Float32Array[]): number {
  let largest = -1
  for (const other of context) {
    let cosine = 0
    for (let index = 0; index < vector.length; index++) cosine += vector[index]! * other[index]!
    largest = Math.max(largest, cosine)
  }
  return largest
}
