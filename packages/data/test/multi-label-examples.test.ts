import { DataError } from '@tfx/common'
import { describe, expect, it } from 'vitest'
import { multiLabelExamples } from '../src/index'

describe('multiLabelExamples', () => {
  it('reads lists and separated strings, each label once, and none', async () => {
    const cells = [['b', 'a', 'b'], 'a|b', ' a ; c;', 'only', 3, true, [1, 'x'], '', null, undefined, [], '|']
    const rows = cells.map((labels) => ({ text: 'a text', labels }))
    const { examples, columns } = await multiLabelExamples(rows)
    expect(columns.label).toEqual({ name: 'labels', origin: 'discovered' })
    expect(examples.map(({ labels }) => labels)).toEqual([
      ['b', 'a'],
      ['a', 'b'],
      ['a', 'c'],
      ['only'],
      ['3'],
      ['true'],
      ['1', 'x'],
      ...Array.from({ length: 5 }, () => []),
    ])
  })

  it('reads pairs', async () => {
    const rows = [{ text: 'soup', about: 'food', labels: 'warm|good' }]
    const { examples } = await multiLabelExamples(rows, { textPairColumn: 'about' })
    expect(examples).toEqual([{ text: 'soup', textPair: 'food', labels: ['warm', 'good'] }])
  })

  it.each([
    [[], 'must be at least one row, but got empty'],
    [[{ text: '', labels: 'a' }], '1 row (row 1) with blank text'],
    [
      [{ text: 'a', labels: { a: true } }],
      "multiLabelExamples: 'rows, row 1, labels' must be a list of strings, numbers or booleans, or a string that",
    ],
    [[{ text: 'a', labels: [null] }], 'but got null in a list.'],
    [[{ text: 5, labels: 'a' }], 'must be a string, but got of type number'],
    [[{ words: 'a', labels: 'a' }], "'textColumn' must be a column with a usual name"],
  ])('refuses %j', async (rows, text) => {
    const promise = multiLabelExamples(rows)
    await expect(promise).rejects.toBeInstanceOf(DataError)
    await expect(promise).rejects.toThrow(text)
  })
})
