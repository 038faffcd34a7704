import { describe, expect, it } from 'vitest'
import { createKeyValueCache, type KeyValueCache } from '../src/generation/key-value-cache'

const [heads, headSize] = [2, 3]
const create = (rows: number) => createKeyValueCache(rows, { arrays: 2, heads, headSize })

/** What a step would write for a token of some row: another number for each array, head and feature. */
const numberOf = (token: number, place: readonly [array: number, head: number, feature: number]) =>
  token * 1000 + place[0] * 100 + place[1] * 10 + place[2]

const forEachNumber = (visit: (place: [array: number, head: number, feature: number]) => void) => {
  for (const array of [0, 1])
    for (let head = 0; head < heads; head++)
      for (let feature = 0; feature < headSize; feature++) visit([array, head, feature])
}

/** Where a number lies in its array. */
const indexOf = (
  [row, column]: readonly [number, number],
  { place: [, head, feature], room }: { place: readonly [number, number, number]; room: number },
) => ((row * heads + head) * room + column) * headSize + feature

/** A step that writes tokens, given by row. */
function write(
  cache: KeyValueCache,
  tokens: readonly (readonly number[])[],
  mask = tokens.flatMap((row) => row.map(() => 1)),
) {
  const { tensors, mask: whole } = cache.withRoom(Int32Array.from(mask))
  const [room, length] = [tensors[0]!.shape[2]!, whole.shape[1]!]
  tokens.forEach((row, rowIndex) => {
    row.forEach((token, index) => {
      const column = length - row.length + index
      forEachNumber((place) => {
        tensors[place[0]]!.data[indexOf([rowIndex, column], { place, room })] = numberOf(token, place)
      })
    })
  })
  return { room, mask: [...whole.data] }
}

/** The tokens that a cache holds, by row, after a step of one more token for each row. */
function tokensOf(cache: KeyValueCache, rows: number): number[][] {
  const { tensors, mask } = cache.withRoom(new Int32Array(rows).fill(1))
  const [room, length] = [tensors[0]!.shape[2]!, mask.shape[1]! - 1]
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (_, column) => {
      const found = new Set<number>()
      forEachNumber((place) => {
        const value = tensors[place[0]]!.data[indexOf([row, column], { place, room })]!
        found.add((value - numberOf(0, place)) / 1000)
      })
      expect(found.size).toBe(1)
      return [...found][0]!
    }),
  )
}

describe('a key/value cache', () => {
  it('keeps what was written when it grows', () => {
    const cache = create(2)
    const prompt = [
      Array.from({ length: 31 }, (_, index) => index + 1),
      Array.from({ length: 31 }, (_, index) => index + 101),
    ]
    expect(write(cache, prompt)).toMatchObject({ room: 32 })
    expect(write(cache, [[32], [132]])).toMatchObject({ room: 32 })
    expect(write(cache, [[33], [133]])).toMatchObject({ room: 64 })
    const all = (first: number) => Array.from({ length: 33 }, (_, index) => first + index)
    expect(tokensOf(cache, 2)).toEqual([all(1), all(101)])
  })

  it('makes rows copies of others, more or fewer than before', () => {
    const cache = create(2)
    write(cache, [
      [1, 2],
      [3, 4],
    ])
    cache.select(Int32Array.of(0, 0, 1))
    write(cache, [[5], [6], [7]])
    // Twice the same number of rows: back into the buffers of the step before.
    cache.select(Int32Array.of(1, 0, 2))
    write(cache, [[8], [9], [10]])
    cache.select(Int32Array.of(2, 1, 1))
    write(cache, [[11], [12], [13]])
    cache.select(Int32Array.of(1, 0))
    expect(tokensOf(cache, 2)).toEqual([
      [1, 2, 5, 9, 12],
      [3, 4, 7, 10, 11],
    ])
  })

  it('goes back to its first tokens, in place or in a copy', () => {
    const cache = create(2)
    const prompt = (first: number) => Array.from({ length: 40 }, (_, index) => first + index)
    write(cache, [prompt(1), prompt(101)], [0, ...Array.from({ length: 79 }, () => 1)])
    const other = cache.copy(3)
    cache.truncate(2)
    expect(write(cache, [[7], [8]])).toEqual({ room: 64, mask: [0, 1, 1, 1, 1, 1] })
    expect(write(other, [[9], [10]])).toEqual({ room: 32, mask: [0, 1, 1, 1, 1, 1, 1, 1] })
    // Rows of another prompt behind a shorter beginning.
    cache.select(Int32Array.of(1, 0))
    write(cache, [[5], [6]])
    cache.select(Int32Array.of(1, 0))
    expect(tokensOf(cache, 2)).toEqual([
      [1, 2, 7, 6],
      [101, 102, 8, 5],
    ])
    expect(tokensOf(other, 2)).toEqual([
      [1, 2, 3, 9],
      [101, 102, 103, 10],
    ])
  })

  it('has the mask of every token', () => {
    const cache = create(2)
    expect(
      write(
        cache,
        [
          [0, 1],
          [2, 3],
        ],
        [0, 1, 1, 1],
      ).mask,
    ).toEqual([0, 1, 1, 1])
    expect(write(cache, [[4], [5]]).mask).toEqual([0, 1, 1, 1, 1, 1])
    cache.select(Int32Array.of(1, 0))
    expect(write(cache, [[6], [7]]).mask).toEqual([1, 1, 1, 1, 0, 1, 1, 1])
  })

  it('takes the arrays that a step gave instead', () => {
    const cache = create(1)
    write(cache, [[1, 2]])
    const { tensors } = cache.withRoom(Int32Array.of(1))
    const copies = tensors.map(({ data }) => data.slice())
    cache.replace(copies)
    for (const { data } of tensors) data.fill(NaN)
    copies.forEach((data, array) => {
      forEachNumber((place) => {
        if (place[0] === array) data[indexOf([0, 2], { place, room: 32 })] = numberOf(3, place)
      })
    })
    expect(tokensOf(cache, 1)).toEqual([[1, 2, 3]])
  })
})
