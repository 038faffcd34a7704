import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  initializeParameters,
  loadTokenizer,
  modelFamily,
  readConfig,
  saveCheckpoint,
  type ModelType,
} from '@tfx/core'
import { env, pipeline } from '@huggingface/transformers'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { quick, temporaryFolders, toyRows } from './support'

env.allowRemoteModels = false

const folders = temporaryFolders()
const labels = ['bad', 'good']
const texts = ['the good movie', ...toyRows(labels, { count: 19, seed: 6 }).map(({ text }) => text)]

/** A new, tiny model of a family with the tokenizer of its kind. */
async function makeBase(name: ModelType): Promise<string> {
  const tokenizer = await loadTokenizer(fixturePath(`core/encoders/tokenizers/${name}`))
  const source = await readFile(fixturePath(`core/encoders/${name}/config.json`), 'utf8')
  const config = readConfig({
    ...(JSON.parse(source) as object),
    vocab_size: tokenizer.vocabSize,
    pad_token_id: tokenizer.padTokenId,
    initializer_range: 0.2,
  })
  const task = 'feature-extraction'
  const weights = new Map<string, Float32Array>()
  await initializeParameters(config, task, { write: (key, values) => void weights.set(key, values) })
  const specs = modelFamily(name).parameterShapes(config, task)
  const directory = folders.path(`base-${name}`)
  await saveCheckpoint(directory, {
    config,
    task,
    tokenizer,
    parameters: {
      shapes: Object.fromEntries(Object.entries(specs).map(([key, { shape }]) => [key, shape])),
      read: (key) => Promise.resolve(weights.get(key)!),
    },
  })
  return directory
}

describe.each([
  ['roberta', 1],
  ['xlm-roberta', 1],
  ['mpnet', 1],
  ['electra', 0],
  ['albert', 0],
] as const)('a base of the family %s, whose padding has the id %i', (name, padding) => {
  it('is fine-tuned, saved, and served by Transformers.js with the same scores', async () => {
    const base = await makeBase(name)
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
