import { dirname } from 'node:path'
import { loadTokenizer } from '@tfx/core'
import { env, pipeline } from '@huggingface/transformers'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { makeBase, quick, temporaryFolders, toyRows } from './support'

env.allowRemoteModels = false

const folders = temporaryFolders()
const labels = ['bad', 'good']
const texts = ['the good movie', ...toyRows(labels, { count: 19, seed: 6 }).map(({ text }) => text)]

describe.each([
  ['roberta', 1],
  ['xlm-roberta', 1],
  ['mpnet', 1],
  ['electra', 0],
  ['albert', 0],
] as const)('a base of the family %s, whose padding has the id %i', (name, padding) => {
  it('is fine-tuned, saved, and served by Transformers.js with the same scores', async () => {
    const base = await makeBase(
      { tokenizer: `core/encoders/tokenizers/${name}`, config: `core/encoders/${name}` },
      folders.path(`base-${name}`),
    )
    const model = await transfer(base, toyRows(labels, { count: 240 }), { ...quick, epochs: 20 })
    const { padTokenId } = await loadTokenizer(base)
    expect(padTokenId).toBe(padding)
    const { accuracy } = await model.evaluate(toyRows(labels, { count: 40, seed: 9 }))
    expect(accuracy).toBeGreaterThan(0.9)
    const answers = await model.predict(texts)
    const ours = answers.flatMap(({ scores }) => labels.map((label) => scores[label]!))
    // One at a time there is no padding; together there is.
    const alone = await model.predict(texts.slice(0, 1))
    expect(alone[0]!.scores.good).toBeCloseTo(answers[0]!.scores.good!, 5)
    const directory = folders.path(`saved-${name}`)
    await model.save(directory)
    const loaded = await load(directory)
    expect(await loaded.predict(texts)).toEqual(answers)
    await Promise.all([loaded.dispose(), model.dispose()])
    env.localModelPath = dirname(directory)
    const classify = await pipeline('sentiment-analysis', `saved-${name}`, { dtype: 'fp32' })
    const theirs: number[] = []
    for (const text of texts) {
      const results = (await classify(text, { top_k: 2 })) as { label: string; score: number }[]
      theirs.push(...labels.map((label) => results.find((result) => result.label === label)!.score))
    }
    await classify.dispose()
    expect(theirs).toBeAllClose(ours, { absolute: 1e-4, relative: 0 })
  })
})
