import { accuracy, averageScores, createConfusion, matthewsCorrelation } from '@tfx/metrics'
import { refusal } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { describeSettings, load, type SentimentModel, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows, type ToyRow } from './support'

const folders = temporaryFolders()

async function weightsOf(model: SentimentModel, name: string): Promise<Buffer> {
  const { readFile } = await import('node:fs/promises')
  await model.save(folders.path(name), { onnx: [], overwrite: true })
  return readFile(`${folders.path(name)}/model.safetensors`)
}

describe('learning', () => {
  const tasks: [string, ToyRow['label'][]][] = [
    ['two classes', ['negative', 'positive']],
    ['three classes', ['schlecht', 'так себе', '最高 🎉']],
    ['five classes', ['1 star', '2 stars', '3 stars', '4 stars', '10 stars']],
    ['names of object properties', ['__proto__', 'constructor', 'toString']],
    ['numbers', [-1, 0, 1]],
    ['booleans', [true, false]],
  ]

  it.each(tasks)('learns %s', async (_, labels) => {
    const model = await transfer(base, toyRows(labels), { ...quick, epochs: 12, validation: false })
    const rows = toyRows(labels, { count: 60, seed: 2 })
    const answers = await model.predict(rows.map(({ text }) => text))
    const right = answers.filter(({ label }, index) => label === String(rows[index]!.label)).length
    const names = labels.map(String)

    expect([...model.labels].sort()).toEqual([...names].sort())
    expect(right / rows.length).toBeGreaterThan(0.9)
    for (const { label, score, scores } of answers) {
      expect(Object.keys(scores).sort()).toEqual([...names].sort())
      const values = Object.values(scores)
      expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6)
      expect(score).toBe(Math.max(...values))
      expect(Object.getOwnPropertyDescriptor(scores, label)?.value).toBe(score)
    }
    await model.dispose()
  })

  it('learns from pairs of texts', async () => {
    const rows = toyRows(['no', 'yes']).map(({ text, label }, index) => ({
      text: 'the film',
      second: text,
      label,
      index,
    }))
    const model = await transfer(base, rows, {
      ...quick,
      epochs: 12,
      validation: false,
      textPairColumn: 'second',
    })
    const held = toyRows(['no', 'yes'], { count: 40, seed: 3 })
    const answers = await model.predict(held.map(({ text }) => ({ text: 'the film', textPair: text })))
    const right = answers.filter(({ label }, index) => label === held[index]!.label).length
    expect(right / held.length).toBeGreaterThan(0.9)
    const metrics = await model.evaluate(
      held.map(({ text, label }) => ({ text: 'the film', second: text, label })),
      { textPairColumn: 'second' },
    )
    expect(metrics.accuracy).toBeCloseTo(right / held.length, 10)
    await model.dispose()
  })

  it('learns with label smoothing, accumulation, fractions of an epoch, and in random batches', async () => {
    const rows = toyRows(['no', 'yes'], { count: 100 })
    const options = { ...quick, validation: false, epochs: 1.5, gradientAccumulationSteps: 2 } as const
    const model = await transfer(base, rows, { ...options, labelSmoothing: 0.1, batching: 'random' })
    // 100 rows: 13 batches, 7 steps an epoch; half of a second epoch is rounded up.
    expect(model.training?.steps).toBe(11)
    expect(model.training?.evaluations).toEqual([])
    // Label smoothing keeps the loss above the entropy of the smoothed labels.
    expect(Math.min(...model.training!.history.map(({ loss }) => loss))).toBeGreaterThan(0.19)
    await model.dispose()
  })

  it('learns the same from 8 × 1 as from 2 × 4', async () => {
    const rows = toyRows(['no', 'yes'], { count: 64 })
    const options = { ...quick, epochs: 1, validation: false, dropout: 0, batching: 'random' } as const
    const whole = await transfer(base, rows, { ...options, batchSize: 8 })
    const parts = await transfer(base, rows, { ...options, batchSize: 2, gradientAccumulationSteps: 4 })
    const loss = (model: SentimentModel) => model.training!.history.map(({ loss }) => loss)
    expect(loss(parts)).toBeAllClose(loss(whole), { absolute: 2e-4 })
    await Promise.all([whole.dispose(), parts.dispose()])
  })
})

describe('a trained model', () => {
  const labels = ['bad', 'fair', 'good']
  const rows = toyRows(labels)
  const texts = toyRows(labels, { count: 37, seed: 5 }).map(({ text }) => text)
  const training = transfer(base, rows, { ...quick, epochs: 2 })

  it('predicts one text, many, and none', async () => {
    const model = await training
    const many = await model.predict(texts)
    expect(many).toHaveLength(texts.length)
    const one = await model.predict(texts[5]!)
    expect(one.label).toBe(many[5]!.label)
    expect(await model.predict([])).toEqual([])
  })

  it.each([
    ['', "'input' must be a text, but got a blank one"],
    [' \n', "'input' must be a text, but got a blank one"],
    ['a\u0000b', "'input' must be text without control characters, but got U+0000 at 1"],
    ['half \ud83d', "'input' must be well-formed Unicode, but got half of a surrogate pair at 5"],
    [{ text: 'good', textPair: ' ' }, "'input.textPair' must be a text, but got a blank one"],
  ])('refuses what is no text: %j', async (input, message) => {
    const model = await training
    await expect(model.predict(input)).rejects.toThrow(`predict: ${message}`)
  })

  it('counts the texts of a stream from its beginning', async () => {
    const model = await training
    const answers = model.predictStream(['good', 'bad', ' '], { batchSize: 2 })
    expect([(await answers.next()).done, (await answers.next()).done]).toEqual([false, false])
    await expect(answers.next()).rejects.toThrow("predict: 'inputs[2]' must be a text, but got a blank one")
  })

  it('answers in the order of the texts, whatever the batches and the neighbours', async () => {
    const model = await training
    const alone = []
    for (const text of texts) alone.push(...Object.values((await model.predict(text)).scores))
    for (const batchSize of [1, 4, 32, 100]) {
      const together = await model.predict(texts, { batchSize })
      expect(together.flatMap(({ scores }) => Object.values(scores))).toBeAllClose(alone, { absolute: 1e-5 })
    }
    const backwards = await model.predict([...texts].reverse())
    expect(backwards.reverse().flatMap(({ scores }) => Object.values(scores))).toBeAllClose(alone, {
      absolute: 1e-5,
    })
  })

  it('answers calls that overlap', async () => {
    const model = await training
    const expected = await model.predict(texts)
    const results = await Promise.all([model.predict(texts), model.predict(texts), model.predict(texts)])
    for (const result of results) expect(result).toEqual(expected)
  })

  it('evaluates to the metrics of its predictions', async () => {
    const model = await training
    const held = toyRows(labels, { count: 50, seed: 9 })
    const answers = await model.predict(held.map(({ text }) => text))
    const confusion = createConfusion(3)
    const references = held.map(({ label }) => model.labels.indexOf(String(label)))
    confusion.add(
      references,
      answers.map(({ label }) => model.labels.indexOf(label)),
    )
    const losses = answers.map(({ scores }, index) => -Math.log(scores[String(held[index]!.label)]!))
    const metrics = await model.evaluate(held, { batchSize: 7 })
    const right = answers.filter(({ label }, index) => label === held[index]!.label).length
    expect(metrics.accuracy).toBeCloseTo(right / held.length, 10)
    expect(metrics.accuracy).toBe(accuracy(confusion))
    expect(metrics.f1).toBeCloseTo(averageScores(confusion, 'macro').f1, 10)
    expect(metrics.matthewsCorrelation).toBeCloseTo(matthewsCorrelation(confusion), 10)
    expect(metrics.loss).toBeCloseTo(losses.reduce((sum, value) => sum + value, 0) / losses.length, 5)
  })

  it('is the base of another transfer, with its head where the labels are the same', async () => {
    const model = await training
    const still = { ...quick, epochs: 0.01, learningRate: 1e-12, validation: false } as const
    const same = await transfer(model, rows, still)
    const scores = (answers: { scores: Readonly<Record<string, number>> }[]) =>
      answers.flatMap((answer) => Object.values(answer.scores))
    expect(same.notes.join()).not.toContain('new')
    expect(scores(await same.predict(texts))).toBeAllClose(scores(await model.predict(texts)), {
      absolute: 1e-5,
    })

    const other = await transfer(model, toyRows(['yes', 'no', 'maybe']), still)
    expect(other.notes.join()).toContain('start at random')
    expect(other.notes.join()).toContain('classifier.weight, classifier.bias')
    expect(other.labels).toEqual(['maybe', 'no', 'yes'])
    await Promise.all([same.dispose(), other.dispose()])
  })

  it('is of no use once it is disposed of', async () => {
    const model = await transfer(base, rows, { ...quick, epochs: 0.1 })
    await model.dispose()
    await expect(model.predict('good')).rejects.toThrow(/dispose/)
    await expect(model.save(folders.path('disposed'))).rejects.toThrow(/dispose/)
    await expect(transfer(model, rows, quick)).rejects.toThrow(
      "transfer: 'base' must be a hub id, a directory, an npm package, a model of transfer, load or pretrain that is " +
        "not disposed of, or { config, tokenizer }, but got object. For instance transfer('@tfx/base-encoder', 'reviews.csv').",
    )
  })
})

describe('the seed', () => {
  it('decides everything', async () => {
    const rows = toyRows(['no', 'yes'])
    const run = async (seed: number, name: string) => {
      const model = await transfer(base, rows, { ...quick, epochs: 2, seed })
      const answers = await model.predict(['the good movie', 'bad', 'a film'])
      const weights = await weightsOf(model, name)
      await model.dispose()
      return { answers, weights, history: model.training!.history.map(({ loss }) => loss) }
    }
    const [first, again, other] = [await run(7, 'first'), await run(7, 'again'), await run(8, 'other')]
    expect(again).toEqual(first)
    expect(other.weights.equals(first.weights)).toBe(false)
    expect(other.history).not.toEqual(first.history)
  })
})

describe('validation', () => {
  const rows = toyRows(['no', 'yes'], { count: 100 })
  const held = toyRows(['no', 'yes'], { count: 30, seed: 4 })

  it('is on a tenth of the examples, those of another share, or those given', async () => {
    const counts = async (dataset: Parameters<typeof transfer>[1], options: object = {}) => {
      const model = await transfer(base, dataset, { ...quick, epochs: 1, batching: 'random', ...options })
      await model.dispose()
      const examples = model.training!.history.reduce((sum, step) => sum + step.examples, 0)
      return { trained: examples, evaluations: model.training!.evaluations.length }
    }
    expect(await counts(rows)).toEqual({ trained: 90, evaluations: 1 })
    expect(await counts(rows, { validation: 0.25 })).toEqual({ trained: 75, evaluations: 1 })
    expect(await counts(rows, { validation: false })).toEqual({ trained: 100, evaluations: 0 })
    expect(await counts(rows, { validation: 0 })).toEqual({ trained: 100, evaluations: 0 })
    expect(await counts(rows, { validation: held })).toEqual({ trained: 100, evaluations: 1 })
    expect(await counts({ train: rows, validation: held })).toEqual({ trained: 100, evaluations: 1 })
    expect(await counts({ train: rows })).toEqual({ trained: 90, evaluations: 1 })
  })

  it('ends with the weights of the best epoch', async () => {
    // What is right in training is wrong here, so that it gets worse with every epoch.
    const wrong = held.map(({ text, label }) => ({ text, label: label === 'no' ? 'yes' : 'no' }))
    const options = { ...quick, epochs: 8, validation: wrong }
    const best = await transfer(base, rows, options)
    const { evaluations } = best.training!
    const accuracies = evaluations.map(({ metrics }) => metrics.accuracy!)
    expect(evaluations).toHaveLength(8)
    expect(Math.max(...accuracies)).toBeGreaterThan(accuracies.at(-1)!)
    expect(best.training!.best?.value).toBe(Math.max(...accuracies))
    expect((await best.evaluate(wrong)).accuracy).toBe(Math.max(...accuracies))
    const last = await transfer(base, rows, { ...options, keepBest: false })
    expect((await last.evaluate(wrong)).accuracy).toBe(accuracies.at(-1))
    // By another metric, of which the smallest is the best.
    const byLoss = await transfer(base, rows, { ...options, bestMetric: 'loss' })
    const losses = byLoss.training!.evaluations.map(({ metrics }) => metrics.loss!)
    expect(byLoss.training!.best?.value).toBe(Math.min(...losses))
    await Promise.all([best.dispose(), last.dispose(), byLoss.dispose()])
  })

  it('refuses a metric that evaluations do not have', async () => {
    const { message } = await refusal(transfer(base, rows, { ...quick, bestMetric: 'bleu' }))
    expect(message).toMatch(/'bestMetric' must be one of .*accuracy.*but got 'bleu'/)
  })
})

describe('from scratch', () => {
  it('starts from random weights', async () => {
    const rows = toyRows(['no', 'yes'])
    const model = await transfer(base, rows, {
      ...quick,
      epochs: 0.01,
      learningRate: 1e-12,
      fromScratch: true,
    })
    const path = folders.path('scratch')
    await model.save(path, { onnx: [] })
    const { openSafetensors } = await import('@tfx/core')
    const file = await openSafetensors(`${path}/model.safetensors`)
    const word = await file.read('bert.embeddings.word_embeddings.weight')
    const deviation = Math.sqrt(word.reduce((sum, value) => sum + value ** 2, 0) / word.length)
    await file.close()
    // initializer_range is 0.02; the fixture's own weights deviate by 0.25.
    expect(deviation).toBeCloseTo(0.02, 2)
    expect(describeSettings(model.settings)).toContain('fromScratch                true  (option)')
    await model.dispose()
  })
})

describe('memory', () => {
  it('does not grow with transfers that are disposed of', async () => {
    const { tf } = await import('@tfx/compiler')
    const tensors = () => tf.engine().state.numTensors
    const rows = toyRows(['no', 'yes'], { count: 30 })
    const growth = { transfer: 0, use: 0 }
    for (let run = 0; run < 4; run++) {
      const before = tensors()
      const model = await transfer(base, rows, { ...quick, epochs: 1 })
      const trained = tensors()
      await model.predict('good')
      await model.save(folders.path('leak'), { overwrite: true })
      await model.dispose()
      const loaded = await load(folders.path('leak'))
      await loaded.predict('good')
      await loaded.dispose()
      growth.transfer += trained - before
      growth.use += tensors() - trained
    }
    expect(growth).toEqual({ transfer: 0, use: 0 })
  })
})
