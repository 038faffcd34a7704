import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { TfxError } from '@tfx/common'
import { openSafetensors } from '@tfx/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { learnedSoFar, load, type SentimentModel, transfer } from '../src/index'
import { base, failureOf, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 40 })

/** The error of a transfer: it must be one that tfx throws on purpose. */
async function refusal(promise: Promise<unknown>): Promise<{ name: string; message: string }> {
  const error = await failureOf(promise)
  expect(error).toBeInstanceOf(TfxError)
  expect((error as TfxError).remedy).toMatch(/\.$|\?$/)
  return { name: error.name, message: error.message }
}

const failing = (dataset: unknown, options: object = {}, from: unknown = base) =>
  refusal(transfer(from as string, dataset as [], { ...quick, ...options }))

describe('a base that cannot be used', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('is unknown', async () => {
    expect(await failing(rows, {}, './no-such-model')).toEqual({
      name: 'CheckpointError',
      message:
        "resolveBase: 'base' must be a directory, an installed npm package or a hub id (owner/name), but got " +
        "'./no-such-model'; tried the directory './no-such-model' (there is none). Correct the path or name.",
    })
    expect((await failing(rows, {}, null)).message).toContain('but got null')
    expect((await failing(rows, {}, {})).message).toContain('but got object')
    expect((await failing(rows, {}, '')).message).toContain('an empty string')
  })

  it('is on a hub that cannot be reached', async () => {
    vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${await closedPort()}`)
    const { name, message } = await failing(rows, { cacheDirectory: folders.path('cache') }, 'owner/name')
    expect(name).toBe('NetworkError')
    expect(message).toContain(
      "resolveBase: 'base' is 'owner/name'; tried the directory 'owner/name' (there is none)",
    )
    expect(message).toContain('ECONNREFUSED')
    expect(message).toMatch(
      /Connect to the internet and call it again, or pass a directory or an installed package/,
    )
  })

  it('has a damaged file', async () => {
    const directory = await folders.copyBase('damaged')
    const file = join(directory, 'model.safetensors')
    const whole = await readFile(file)
    for (const bytes of [
      whole.subarray(0, whole.length - 100),
      whole.subarray(0, 4),
      Buffer.from('garbage '.repeat(99)),
    ]) {
      await writeFile(file, bytes)
      const { name, message } = await failing(rows, {}, directory)
      expect(name).toBe('CheckpointError')
      expect(message).toContain('model.safetensors')
    }
    await writeFile(join(directory, 'config.json'), '{ "model_type": ')
    expect(await failing(rows, {}, directory)).toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(/config\.json' must be a JSON file, but got SyntaxError/) as string,
    })
  })

  it('lacks a tensor', async () => {
    const directory = await folders.copyBase('missing')
    const name = 'bert.encoder.layer.1.output.dense.weight'
    await renameInHeader(directory, name, `${name.slice(0, -1)}x`)
    const error = await failing(rows, {}, directory)
    expect(error.name).toBe('CheckpointError')
    expect(error.message).toBe(
      `loadParameters: '${directory}' must be a checkpoint with '${name}', but got one without it. ` +
        'The weights do not belong to config.json, or were not saved completely: save or download them again.',
    )
  })

  it('has a tensor of another shape', async () => {
    const directory = await folders.copyBase('shape')
    await editConfig(directory, { max_position_embeddings: 64 })
    const { name, message } = await failing(rows, {}, directory)
    expect(name).toBe('CheckpointError')
    expect(message).toContain(
      "'bert.embeddings.position_embeddings.weight' has the shape [64, 16], but got [32, 16].",
    )
  })

  it('is of another architecture', async () => {
    const directory = await folders.copyBase('other')
    await editConfig(directory, { model_type: 'llama' })
    expect(await failing(rows, {}, directory)).toMatchObject({ name: 'CheckpointError' })
  })
})

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
    [{ learningRate: '1e-3' }, "'learningRate' must be a number, but got '1e-3'."],
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
    [{ labels: ['no'] }, 'must be a list of at least two different labels, but got 1.'],
    [{ epoch: 3 }, "but got 'epoch'. Did you mean 'epochs'?"],
    [{ learning_rate: 3 }, "but got 'learning_rate'. Did you mean 'learningRate'?"],
    [{ foo: 3 }, "but got 'foo'. Correct the name or leave it out."],
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
      await refusal(model.save('')),
      await refusal(model.save(folders.path('never'), { onnx: ['int4' as 'int8'] })),
      await refusal(load(base, { maxLength: 99 })),
    ].map(({ message }) => message)
    expect(messages).toEqual([
      "predict: 'input' must be a string, or { text, textPair } of strings, but got null. Convert it to a string first.",
      "predict: 'inputs[0]' must be a string, or { text, textPair } of strings, but got number. Convert it to a string first.",
      "predict: 'input' must be a string, or { text, textPair } of strings, but got object. Convert it to a string first.",
      expect.stringContaining("'batchSize' must be an integer of at least 1, but got 0."),
      "predict: 'options' must be made of batchSize, signal, truncation, but got 'truncate'. Correct the name or leave it out.",
      expect.stringMatching(/^evaluate: .* but got 'batchsize'. Did you mean 'batchSize'\?$/),
      "save: 'directory' must be a path, but got an empty string. For instance model.save('./my-model').",
      `save: 'onnx' must be a list of 'float32' and 'int8', but got "int4". Leave it out for both, or pass [] for none.`,
      "load: 'maxLength' must be an integer from 2 to the 32 tokens that the model takes, but got 99. Leave it out to use what the model takes.",
    ])
    const evaluation = await refusal(model.evaluate([{ text: 'good', label: 'maybe' }]))
    expect(evaluation.message).toContain("must be among 'no', 'yes', but got 'maybe'")
    await model.dispose()
  })
})

describe('a model that is no classifier', () => {
  it('is not loaded with a head made up', async () => {
    const directory = await folders.copyBase('headless', 'bert-base-model')
    const { name, message } = await refusal(load(directory))
    expect(name).toBe('CheckpointError')
    expect(message).toBe(
      `load: 'source' must be a model fine-tuned for sentiment, but got '${directory}', which lacks classifier.weight, ` +
        'classifier.bias. Fine-tune it first: transfer(base, dataset).',
    )
  })

  it('is a regression', async () => {
    const directory = await folders.copyBase('regression')
    await editConfig(directory, {
      problem_type: 'regression',
      id2label: { 0: 'score' },
      label2id: { score: 0 },
    })
    expect((await refusal(load(directory))).message).toContain('one for regression with 1 label')
  })
})

describe('training that is interrupted', () => {
  it('by a loss that is not a number keeps what was learned', async () => {
    const error = await failureOf(
      transfer(base, rows, { ...quick, learningRate: 1e30, maxGradientNorm: 0, validation: false }),
    )
    expect(error.name).toBe('TrainingError')
    expect(error.message).toMatch(/smaller learning rate|learningRate/)
    const model = learnedSoFar<SentimentModel>(error)
    expect(model?.labels).toEqual(['no', 'yes'])
    await model?.dispose()
  })

  it('by a base that is not a number', async () => {
    const directory = await folders.copyBase('nan')
    await fillTensor(directory, 'bert.encoder.layer.0.output.dense.weight', Number.NaN)
    const error = await failureOf(transfer(directory, rows, quick))
    expect(error.name).toBe('TrainingError')
    // Nothing was learned, so there is nothing to keep.
    expect(learnedSoFar(error)).toBeUndefined()
  })

  it('by its signal keeps what was learned', async () => {
    const controller = new AbortController()
    const error = await failureOf(
      transfer(base, rows, {
        ...quick,
        validation: false,
        signal: controller.signal,
        onEvent: (event) => {
          if (event.type === 'step' && event.step === 3) controller.abort()
        },
      }),
    )
    expect(error.name).toBe('TrainingAbortedError')
    const model = learnedSoFar<SentimentModel>(error)!
    expect(model.training?.history).toHaveLength(3)
    const answer = await model.predict('the good movie')
    await model.save(folders.path('aborted'))
    const loaded = await load(folders.path('aborted'))
    expect((await loaded.predict('the good movie')).score).toBeCloseTo(answer.score, 6)
    await Promise.all([model.dispose(), loaded.dispose()])
  })

  it('before it starts', async () => {
    const error = await failureOf(transfer(base, rows, { ...quick, signal: AbortSignal.abort() }))
    expect(error.name).toBe('AbortedError')
    expect(error.message).toBe('transfer: is stopped by its AbortSignal.')
    expect(learnedSoFar(error)).toBeUndefined()
  })

  it('by an error of its listener keeps what was learned', async () => {
    const thrown = new Error('listener')
    const onEvent = ({ type }: { type: string }) => {
      if (type === 'epoch') throw thrown
    }
    const error = await failureOf(transfer(base, rows, { ...quick, onEvent }))
    expect(error).toBe(thrown)
    const model = learnedSoFar<SentimentModel>(error)
    expect(await model?.predict('good')).toHaveProperty('label')
    await model?.dispose()
  })

  it('is nothing that any other error tells of', () => {
    expect(learnedSoFar(new Error('other'))).toBeUndefined()
    expect(learnedSoFar('a string')).toBeUndefined()
  })
})

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function editConfig(directory: string, fields: object): Promise<void> {
  const file = join(directory, 'config.json')
  const config = JSON.parse(await readFile(file, 'utf8')) as object
  await writeFile(file, JSON.stringify({ ...config, ...fields }))
}

/** Renames a tensor; the new name must be as long. */
async function renameInHeader(directory: string, from: string, to: string): Promise<void> {
  const file = join(directory, 'model.safetensors')
  const bytes = await readFile(file)
  bytes.write(to, bytes.indexOf(`"${from}"`) + 1)
  await writeFile(file, bytes)
}

async function fillTensor(directory: string, name: string, value: number): Promise<void> {
  const file = join(directory, 'model.safetensors')
  const bytes = await readFile(file)
  const headerLength = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { data_offsets: [number, number] }
  >
  const [from, to] = header[name]!.data_offsets
  for (let at = from; at < to; at += 4) bytes.writeFloatLE(value, 8 + headerLength + at)
  await writeFile(file, bytes)
  const check = await openSafetensors(file)
  await check.close()
}
