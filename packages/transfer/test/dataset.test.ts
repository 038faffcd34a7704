import { describe, expect, it } from 'vitest'
import { datasetParts, readDataset } from '../src/dataset'
import type { TaskHead, TextInput } from '../src/index'

const rows = Array.from({ length: 20 }, (_, index) => ({ text: `text ${index}` }))

const head = {
  read: async (dataset: Iterable<TextInput>) => ({ examples: [...dataset], notes: ['read'] }),
  split: (examples: readonly TextInput[], { fraction }: { fraction: number }) => {
    const size = Math.round(examples.length * fraction)
    return { train: examples.slice(size), test: examples.slice(0, size) }
  },
} as unknown as TaskHead<TextInput, unknown, object>

describe('datasetParts', () => {
  it('tells rows from parts', () => {
    const url = new URL('file:///reviews.csv')
    expect(datasetParts('reviews.csv', 0.2)).toEqual({ train: 'reviews.csv', validation: 0.2 })
    expect(datasetParts(url, undefined)).toEqual({ train: url, validation: undefined })
    expect(datasetParts(rows, false)).toEqual({ train: rows, validation: false })
    expect(datasetParts({ train: rows }, 0.3)).toEqual({ train: rows, validation: 0.3 })
    expect(datasetParts({ train: 'a.csv', validation: 'b.csv' }, 0.3)).toEqual({
      train: 'a.csv',
      validation: 'b.csv',
    })
    // An iterable that happens to have such a property is still rows.
    const iterable = Object.assign([...rows], { train: 'no' })
    expect(datasetParts(iterable, undefined).train).toBe(iterable)
  })

  it.each([null, undefined, 7, true])('refuses %s', (dataset) => {
    expect(() => datasetParts(dataset as never, undefined)).toThrow(
      `transfer: 'dataset' must be a path, rows, or { train, validation }, but got ${dataset}. ` +
        "For instance transfer(base, 'reviews.csv') or transfer(base, [{ text, label }, …]).",
    )
  })
})

describe('readDataset', () => {
  const read = (validation: unknown, validationFraction: number, train = rows) =>
    readDataset(head, { train, validation: validation as number }, { validationFraction, seed: 1 })

  it('sets a share aside', async () => {
    const { training, validation, notes } = await read(0.25, 0.25)
    expect([training.length, validation.length]).toEqual([15, 5])
    expect(notes).toEqual(['read'])
  })

  it('sets nothing aside where there is nothing to spare', async () => {
    const { training, validation } = await read(undefined, 0.1, rows.slice(0, 5))
    expect([training.length, validation.length]).toEqual([5, 0])
  })

  it('reads the rows for validation', async () => {
    const held = [{ text: 'held' }]
    const { training, validation } = await read(held, 0)
    expect([training.length, validation]).toEqual([20, held])
  })

  it('refuses an empty part', async () => {
    await expect(read(undefined, 0.1, [])).rejects.toThrow(
      "transfer: 'dataset' must be at least one example to learn from, but got none. " +
        'Check that the file is not empty and that its rows have what the task learns from.',
    )
    await expect(read([], 0)).rejects.toThrow(
      "transfer: 'validation' must be at least one example to learn from",
    )
  })
})
