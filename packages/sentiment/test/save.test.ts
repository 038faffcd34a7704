import { readdir, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { failureOf, fixturePath, loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

env.allowRemoteModels = false

const folders = temporaryFolders()
const labels = ['bad', 'so-so', 'good']
const rows = toyRows(labels)
const texts = ['the good movie', ...toyRows(labels, { count: 29, seed: 6 }).map(({ text }) => text)]
const training = transfer(base, rows, { ...quick, epochs: 8 })

type Scores = { scores: Readonly<Record<string, number>> }[]
const flat = (answers: Scores) => answers.flatMap(({ scores }) => labels.map((label) => scores[label]!))

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath.slice(directory.length)}/${name}`)
    .sort()
}

describe('save and load', () => {
  it('writes what Python and Transformers.js look for', async () => {
    const model = await training
    await model.save(folders.path('whole'))
    expect(await filesIn(folders.path('whole'))).toEqual([
      '/config.json',
      '/model.safetensors',
      '/onnx/model.onnx',
      '/onnx/model_quantized.onnx',
      '/tokenizer.json',
      '/tokenizer_config.json',
    ])
    const config = JSON.parse(await readFile(`${folders.path('whole')}/config.json`, 'utf8')) as object
    expect(config).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'bad', 1: 'good', 2: 'so-so' },
      label2id: { bad: 0, good: 1, 'so-so': 2 },
      problem_type: 'single_label_classification',
    })
    const [float32, int8] = await Promise.all(
      ['model', 'model_quantized'].map((name) => readFile(`${folders.path('whole')}/onnx/${name}.onnx`)),
    )
    expect(int8!.length).toBeLessThan(float32!.length)
    await model.save(folders.path('plain'), { onnx: [] })
    expect(await filesIn(folders.path('plain'))).not.toContain('/onnx/model.onnx')
  })

  it('reads back the same model', async () => {
    const model = await training
    await model.save(folders.path('again'), { onnx: ['int8'] })
    const loaded = await load(folders.path('again'))
    expect(loaded.labels).toEqual(model.labels)
    expect(loaded.training).toBeUndefined()
    expect(flat(await loaded.predict(texts))).toBeAllClose(flat(await model.predict(texts)))
    await loaded.dispose()
  })

  it.each([
    ['int8', 0.005],
    ['int4', 0.1],
  ] as const)('computes in %s what it computes, nearly', async (precision, near) => {
    const model = await training
    const directory = folders.path(precision)
    await model.save(directory, { onnx: [] })
    const loaded = await load(directory, { precision })
    const [rounded, whole] = [flat(await loaded.predict(texts)), flat(await model.predict(texts))]
    expect(rounded).not.toEqual(whole)
    rounded.forEach((score, index) => expect(Math.abs(score - whole[index]!)).toBeLessThan(near))
    await loaded.dispose()
  })

  it('keeps a directory that has files in it, unless told to replace it', async () => {
    const model = await training
    const directory = folders.path('occupied')
    await model.save(directory, { onnx: [] })
    const error = await failureOf(model.save(directory))
    expect(error.name).toBe('FileSystemError')
    expect(error.message).toBe(
      `save: 'directory' must be a new or empty directory, but got '${directory}', which has files in it. ` +
        'Choose another directory, or pass { overwrite: true } to replace it.',
    )
    expect(await filesIn(directory)).toHaveLength(4)
    await model.save(directory, { overwrite: true })
    expect(await filesIn(directory)).toHaveLength(6)
    await rename(join(directory, 'config.json'), join(directory, 'other.json'))
    const foreign = await failureOf(model.save(directory, { overwrite: true }))
    expect(foreign.message).toContain('Choose another directory: this one seems to hold something else')
    expect(await filesIn(directory)).toHaveLength(6)
    expect(await readdir(dirname(directory))).not.toContainEqual(expect.stringMatching(/tmp$|old$/))
  })
})

describe('Transformers.js', () => {
  async function scoresOf(directory: string, dtype: 'fp32' | 'fp16' | 'q8' | 'q4'): Promise<Scores> {
    env.localModelPath = dirname(directory)
    const name = directory.slice(dirname(directory).length + 1)
    const classify = await pipeline('sentiment-analysis', name, { dtype })
    const results: Scores = []
    for (const text of texts) {
      const answers = (await classify(text, { top_k: labels.length })) as { label: string; score: number }[]
      results.push({ scores: Object.fromEntries(answers.map(({ label, score }) => [label, score])) })
    }
    await classify.dispose()
    return results
  }

  it('gives the same scores from the saved model', async () => {
    const model = await training
    const directory = folders.path('served')
    await model.save(directory, { onnx: ['float32', 'float16', 'int8', 'int4'] })
    const ours = flat(await model.predict(texts))
    expect(flat(await scoresOf(directory, 'fp32'))).toBeAllClose(ours, { absolute: 1e-4, relative: 0 })
    expect(flat(await scoresOf(directory, 'fp16'))).toBeAllClose(ours, { absolute: 5e-3, relative: 0 })
    // Weights rounded to 8 bits: close, no more.
    expect(flat(await scoresOf(directory, 'q8'))).toBeAllClose(ours, { absolute: 0.1, relative: 0 })
    expect(flat(await scoresOf(directory, 'q4'))).toBeAllClose(ours, { absolute: 0.3, relative: 0 })
  })
})

describe('Python', () => {
  interface Recorded {
    architecture: string
    labels: string[]
    texts: { text: string; logits: number[] }[]
    pairs: { text: string; textPair: string; logits: number[] }[]
  }

  it('computes the same from a saved model', async () => {
    const recorded = loadFixture<Recorded>('transfer/check')
    const model = await load(fixturePath('transfer/model'), { truncation: true })
    const examples = [...recorded.texts, ...recorded.pairs]
    const answers = await model.predict(examples)
    expect(recorded.architecture).toBe('BertForSequenceClassification')
    expect(model.labels).toEqual(recorded.labels)
    // The logits of the answers, up to a constant of each row.
    const ours = answers.flatMap(({ scores }) =>
      centered(recorded.labels.map((name) => Math.log(scores[name]!))),
    )
    expect(ours).toBeAllClose(
      examples.flatMap(({ logits }) => centered(logits)),
      { absolute: 1e-4, relative: 0 },
    )
    await model.dispose()
  })

  it('was given what save writes today', async () => {
    const model = await load(fixturePath('transfer/model'))
    const directory = folders.path('rewritten')
    await model.save(directory, { onnx: [] })
    for (const name of await filesIn(directory)) {
      const [written, recorded] = await Promise.all([
        readFile(directory + name),
        readFile(fixturePath('transfer/model') + name),
      ])
      expect(written.equals(recorded), name).toBe(true)
    }
    await model.dispose()
  })
})

function centered(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.map((value) => value - mean)
}
