import { refusal } from '@tfx/testing'
import { describe, expect, it, vi } from 'vitest'
import { load, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 40 })

const failing = (dataset: unknown, options: object = {}, from: unknown = base) =>
  refusal(transfer(from as string, dataset as [], { ...quick, ...options }))

describe('a data set that cannot be learned from', () => {
  it.each([
    [
      'null',
      null,
      'ArgumentError',
      "transfer: 'dataset' must be a path, rows, or { train, validation }, but got null.",
    ],
    ['a number', 7, 'ArgumentError', 'but got 7. For instance transfer(base,'],
    ['nothing', [], 'DataError', "readRows: 'rows' must be at least one row, but got empty."],
    ['a file that is missing', 'no-such-file.csv', 'DataError', 'no-such-file.csv'],
    ['rows that are no objects', [1, 2], 'DataError', 'row 1'],
    [
      'rows without a text',
      [{ comments: 'good', label: 'a' }],
      'DataError',
      "but got the columns 'comments', 'label'. Pass { textColumn: '…' } with the one that holds the text",
    ],
    ['rows without a label column', [{ text: 'good' }], 'DataError', "Pass { labelColumn: '…' }"],
    [
      'one class',
      toyRows(['yes'], { count: 20 }),
      'DataError',
      "discoverLabels: 'labels' must be of at least two classes, but got only 'yes'. Add examples of another class",
    ],
    [
      'rows without labels',
      [...rows, { text: 'bad', label: null }, { text: 'good' }],
      'DataError',
      "2 rows (row 41, row 42) without a label. Label or delete them, or pass { unlabelled: 'drop' } to leave them out.",
    ],
    ['blank texts', [...rows, { text: ' ', label: 'yes' }], 'DataError', '1 row (row 41) with blank text'],
    [
      'an empty validation set',
      { train: rows, validation: [] },
      'DataError',
      'at least one row, but got empty',
    ],
    [
      'a validation label that is unseen in training',
      { train: rows, validation: [{ text: 'good', label: 'maybe' }] },
      'DataError',
      "must be among 'no', 'yes', but got 'maybe', which is not in that list",
    ],
  ])('is %s', async (_, dataset, name, message) => {
    const seen = vi.fn()
    const error = await failing(dataset, { onEvent: seen })
    expect(error.name).toBe(name)
    expect(error.message).toContain(message)
    expect(seen).not.toHaveBeenCalled()
  })

  it('comes with options that are no object', async () => {
    const error = await refusal(transfer(base, rows, null as never))
    expect(error.message).toContain("'options' must be an object, but got null")
  })

  it('leaves rows without labels out when told to, and says so', async () => {
    const model = await transfer(base, [...rows, { text: 'bad', label: null }], {
      ...quick,
      epochs: 0.1,
      unlabelled: 'drop',
    })
    expect(model.notes).toContain('1 rows without a label were dropped.')
    await model.dispose()
  })

  it('has a label that is not in the list of labels', async () => {
    const { message } = await failing(rows, { labels: ['no', 'maybe'] })
    expect(message).toContain("must be among 'no', 'maybe', but got 'yes'")
  })
})

describe('text longer than the model takes', () => {
  const long = `good ${'movie '.repeat(40)}`

  it('is refused, or cut when asked', async () => {
    const dataset = [...rows, { text: long, label: 'yes' }]
    expect(await failing(dataset, { validation: false })).toEqual({
      name: 'DataError',
      message:
        "transfer: 'text' must be at most 32 tokens long, which is what the model takes, but got 1 longer; the first is " +
        "'good movie movie movie movie movie movie…'. " +
        'Pass { truncation: true } to use their beginnings only, or shorten them.',
    })
    const strict = await transfer(base, rows, { ...quick, epochs: 0.1 })
    expect((await refusal(strict.predict(['good', long]))).message).toContain(
      "predict: 'text' must be at most 32 tokens",
    )
    expect((await refusal(strict.evaluate(dataset))).message).toContain(
      "evaluate: 'text' must be at most 32 tokens",
    )
    expect(await strict.predict(long, { truncation: true })).toHaveProperty('score')

    for (const options of [{ truncation: true }, { maxLength: 16 }]) {
      const model = await transfer(base, dataset, { ...quick, epochs: 0.1, ...options })
      const cut = await model.predict(`good ${'movie '.repeat(options.maxLength ? 13 : 29)}`)
      expect((await model.predict(long)).score).toBeCloseTo(cut.score, 6)
      await model.dispose()
    }
    await strict.dispose()
  })
})

describe('options that cannot be meant', () => {
  it.each([
    [{ epochs: -1 }, "'epochs' must be a number above 0, but got -1. Leave it out to use the default."],
    [{ epochs: 0 }, "'epochs' must be a number above 0, but got 0."],
    [{ epochs: null }, "'epochs' must be a number, but got null."],
    [{ batchSize: 0 }, "'batchSize' must be an integer of at least 1, but got 0."],
    [{ batchSize: 2.5 }, "'batchSize' must be an integer of at least 1, but got 2.5."],
    [{ learningRate: Number.NaN }, "'learningRate' must be a number above 0, but got NaN."],
    [{ learningRate: '1e-3' }, "'learningRate' must be a number, or 'find', but got '1e-3'."],
    [{ warmupRatio: 2 }, "'warmupRatio' must be a number of at least 0 and at most 1, but got 2."],
    [{ batching: 'foo' }, "'batching' must be 'length' or 'random', but got 'foo'."],
    [{ seed: 0.5 }, "'seed' must be an integer"],
    [{ keepBest: 1 }, "'keepBest' must be a boolean, but got 1."],
    [{ validation: 1 }, "'validation' must be a number of at least 0 and at most 0.9, but got 1."],
    [{ dropout: 1 }, "'dropout' must be a number of at least 0 and at most 0.99, but got 1."],
    [
      { maxLength: 33 },
      "'maxLength' must be an integer from 2 to the 32 tokens that the model takes, but got 33.",
    ],
    [{ labelSmoothing: 1 }, "'labelSmoothing' must be a number of at least 0 and below 1, but got 1."],
    [{ labelSmoothing: '0.1' }, "'labelSmoothing' must be a number of at least 0 and below 1, but got 0.1."],
    [{ labels: 'no,yes' }, 'must be a list of at least two different labels, but got of type string.'],
    [{ multiLabel: 'no' }, "'multiLabel' must be true or false, but got 'no'."],
    [{ fewShot: 1 }, "'fewShot' must be true or false, but got 1."],
    [{ labels: ['no'] }, 'must be a list of at least two different labels, but got 1.'],
    [{ epoch: 3 }, "but got 'epoch'. Did you mean 'epochs'?"],
    [{ learning_rate: 3 }, "but got 'learning_rate'. Did you mean 'learningRate'?"],
    [{ foo: 3 }, "but got 'foo'. Correct the name or leave it out."],
    [
      { plateau: { patiense: 1 } },
      "'plateau' must be made of cooldown, epsilon, factor, minLearningRate, patience, threshold, thresholdMode, but got 'patiense'.",
    ],
    [{ clipping: { by: 'value', max: 1 } }, "but got 'max'. Did you mean 'maximum'?"],
    [
      { bestMetric: { metric: 'loss', mode: 'min', sign: 1 } },
      "'bestMetric' must be made of metric, mode, but",
    ],
    [{ checkpoints: { directory: 'x', keeps: 1 } }, "but got 'keeps'. Did you mean 'keep'?"],
    [{ plateau: null }, "'plateau' must be an object, but got null."],
  ])('%j', async (options, message) => {
    const error = await failing(rows, options)
    expect(error.name).toBe('ArgumentError')
    expect(error.message).toContain(message)
  })

  it('of predict, save and load', async () => {
    const model = await transfer(base, rows, { ...quick, epochs: 0.1 })
    const untyped = model as unknown as Record<
      'predict' | 'evaluate',
      (input: unknown, options?: unknown) => Promise<unknown>
    >
    const messages = [
      await refusal(untyped.predict(null)),
      await refusal(untyped.predict([1])),
      await refusal(untyped.predict({ text: 'good', textPair: 3 })),
      await refusal(untyped.predict('good', { batchSize: 0 })),
      await refusal(untyped.predict('good', { truncate: true })),
      await refusal(untyped.evaluate(rows, { batchsize: 4 })),
      await refusal(untyped.predict('good', { truncation: 'no' })),
      await refusal(model.save('')),
      await refusal(model.save(folders.path('never'), { onnx: ['int3' as 'int8'] })),
      await refusal(load(base, { maxLength: 99 })),
    ].map(({ message }) => message)
    expect(messages).toEqual([
      "predict: 'input' must be a string, or { text, textPair } of strings, but got null. Convert it to a string first.",
      "predict: 'inputs[0]' must be a string, or { text, textPair } of strings, but got number. Convert it to a string first.",
      "predict: 'input' must be a string, or { text, textPair } of strings, but got object. Convert it to a string first.",
      expect.stringContaining("'batchSize' must be an integer of at least 1, but got 0."),
      "predict: 'options' must be made of adapter, batchSize, signal, truncation, but got 'truncate'. Correct the name or leave it out.",
      expect.stringMatching(/^evaluate: .* but got 'batchsize'. Did you mean 'batchSize'\?$/),
      "predict: 'truncation' must be true or false, but got 'no'. Leave it out for false.",
      "save: 'directory' must be a path, but got an empty string. For instance model.save('./my-model').",
      `save: 'onnx' must be a list of 'float32', 'float16', 'int8', 'int4', but got "int3". Leave it out for float32 and int8, or pass [] for none.`,
      "load: 'maxLength' must be an integer from 2 to the 32 tokens that the model takes, but got 99. Leave it out to use what the model takes.",
    ])
    const evaluation = await refusal(model.evaluate([{ text: 'good', label: 'maybe' }]))
    expect(evaluation.message).toContain("must be among 'no', 'yes', but got 'maybe'")
    await model.dispose()
  })
})
