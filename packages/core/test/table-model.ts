import { loadFixture } from '@tfx/testing'
import type { StepModel } from '../src/index'

/** What `fixtures/core/generation/make_generation.py` wrote. */
export interface GenerationCases {
  last: number[][]
  before: number[][]
  prompts: number[][]
  cases: { settings: Record<string, unknown>; tokens: number[][]; scores: number[] | null }[]
}

export const generationCases = loadFixture<GenerationCases>('core/generation/cases')

/**
 * A language model that is two tables: rows picked by the last token and by the one before it, summed. It keeps no
 * caches, only what each row is; `log` counts what is called.
 */
export function tableModel({
  last,
  before,
}: Pick<GenerationCases, 'last' | 'before'>): StepModel & { log: { steps: number; disposed: number } } {
  const vocabSize = last.length
  const log = { steps: 0, disposed: 0 }
  const score = (rows: readonly (readonly [number, number])[]) =>
    Float32Array.from(
      rows.flatMap(([older, newer]) => last[newer]!.map((value, id) => value + before[older]![id]!)),
    )
  return {
    vocabSize,
    isEncoderDecoder: false,
    maxPositions: 40,
    log,
    start({ rows, length, inputIds }, { hiddenStates }) {
      const at = (row: number, distance: number) => inputIds[(row + 1) * length - distance] ?? 0
      let pairs = Array.from({ length: rows }, (_, row) => [length > 1 ? at(row, 2) : 0, at(row, 1)] as const)
      const hidden = (ids: ArrayLike<number>) => Float32Array.from(Array.from(ids).flatMap((id) => last[id]!))
      return Promise.resolve({
        scores: score(pairs),
        ...(hiddenStates && {
          hiddenStates: {
            hiddenSize: vocabSize,
            prompt: hidden(inputIds),
            last: () => hidden(pairs.map(([, newer]) => newer)),
          },
        }),
        next(tokens: Int32Array, sources: Int32Array) {
          log.steps++
          pairs = Array.from(tokens, (token, index) => [pairs[sources[index]!]![1], token] as const)
          return Promise.resolve(score(pairs))
        },
        dispose: () => void log.disposed++,
      })
    },
  }
}
