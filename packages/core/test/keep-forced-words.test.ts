import { createRandom } from '@tfx/common'
import { describe, expect, it } from 'vitest'
import { generate } from '../src/index'
import { generationCases, tableModel } from './table-model'

const random = createRandom(7)
const wordOf = (length: number) => Array.from({ length }, () => 3 + random.integer(10))
const cases = Array.from({ length: 60 }, () => {
  const forceWordsIds = Array.from({ length: 1 + random.integer(2) }, () => wordOf(1 + random.integer(4)))
  const length = forceWordsIds.flat().length
  return { forceWordsIds, numBeams: 2 + random.integer(3), maxNewTokens: 2 * length + random.integer(5) }
})
const has = (tokens: readonly number[], word: readonly number[]) =>
  `,${tokens.join()},`.includes(`,${word.join()},`)

/** For each case, whether what is written first has all words. */
async function written(keepForcedWords: boolean): Promise<boolean[]> {
  const settings = { eosTokenIds: [2], padTokenId: 0, keepForcedWords }
  const results: boolean[] = []
  for (const given of cases) {
    const all = await generate(tableModel(generationCases), [[5, 7, 3]], { ...settings, ...given })
    results.push(given.forceWordsIds.every((word) => has(all[0]![0]!.tokens, word)))
  }
  return results
}

describe('forced words', () => {
  it('are in every sequence, however unlikely, where sequences that have them stay', async () => {
    expect(await written(true)).not.toContain(false)
  })

  it('can be missing where likelier sequences take their place, as in transformers', async () => {
    expect(await written(false)).toContain(false)
  })

  it('do not keep a sequence from its end', async () => {
    const settings = { eosTokenIds: [2], padTokenId: 0, numBeams: 3, maxNewTokens: 30, keepForcedWords: true }
    const [[best]] = (await generate(tableModel(generationCases), [[5, 7, 3]], {
      ...settings,
      forceWordsIds: [[9, 4]],
    })) as [[{ tokens: number[]; finish: string }]]
    expect(best.finish).toBe('eos')
    expect(best.tokens.length).toBeLessThan(30)
  })
})
