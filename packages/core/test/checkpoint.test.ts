import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointError, FileSystemError, sizeOf } from '@tfx/common'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  exportEncoder,
  initializeParameters,
  loadCheckpoint,
  modelFamily,
  openSafetensors,
  saveCheckpoint,
  type EncoderTask,
  type TensorToWrite,
  withLabels,
  writeSafetensors,
} from '../src/index'

type Weights = Map<string, Float32Array>

const bert = fixturePath('core/bert-classification')
const distilbert = fixturePath('core/distilbert-classification')
const head = ['bert.pooler.dense.weight', 'bert.pooler.dense.bias', 'classifier.weight', 'classifier.bias']

/** A copy of a fixture, with the tokenizer that fixtures share, and its tensors renamed (or left out). */
async function variant(
  source: string,
  {
    rename = (name) => name,
    config = {},
  }: { rename?: (name: string) => string | undefined; config?: object } = {},
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tfx-checkpoint-'))
  await cp(bert, directory, { recursive: true })
  await cp(source, directory, { recursive: true })
  const file = join(directory, 'config.json')
  await writeFile(
    file,
    JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), ...config }),
  )
  const original = await openSafetensors(join(source, 'model.safetensors'))
  const tensors: TensorToWrite[] = []
  for (const [name, { shape }] of original.tensors) {
    const renamed = rename(name)
    const data = await original.read(name)
    if (renamed !== undefined) tensors.push({ name: renamed, shape, data: () => data })
  }
  await original.close()
  await writeSafetensors(join(directory, 'model.safetensors'), tensors)
  return directory
}

async function load(
  directory: string,
  task: EncoderTask = 'sequence-classification',
  labels?: string[],
  seed?: number,
) {
  const checkpoint = await loadCheckpoint(directory, { kind: 'encoder' })
  const weights: Weights = new Map()
  const report = await checkpoint.loadParameters(task, {
    write: (name, values) => void weights.set(name, values),
    ...(labels && { config: withLabels(checkpoint.config, labels) }),
    ...(seed !== undefined && { seed }),
  })
  return { checkpoint, weights, report }
}

async function originals(directory: string): Promise<Weights> {
  const file = await openSafetensors(join(directory, 'model.safetensors'))
  const weights: Weights = new Map()
  for (const name of file.tensors.keys()) weights.set(name, await file.read(name))
  await file.close()
  return weights
}

describe('loadCheckpoint', () => {
  it('opens a directory without reading its weights', async () => {
    const checkpoint = await loadCheckpoint(bert)
    expect(checkpoint.config).toMatchObject({
      modelType: 'bert',
      hiddenSize: 16,
      labels: ['negative', 'neutral', 'positive'],
    })
    expect(checkpoint.family).toBe(modelFamily('bert'))
    expect(checkpoint.tokenizer.maxLength).toBe(32)
    expect(checkpoint.source).toBe(bert)
    expect((await loadCheckpoint(bert, { source: 'hub x' })).source).toBe('hub x')
  })

  it.each([
    ['bert', bert],
    ['distilbert', distilbert],
  ])('takes every weight of a %s classifier', async (_, source) => {
    const { weights, report } = await load(await variant(source))
    expect(weights).toEqual(await originals(source))
    expect(report).toEqual({
      loaded: [...weights.keys()],
      missing: [],
      mismatched: [],
      newlyInitialised: [],
      unexpected: [],
    })
  })

  it('reads shards', async () => {
    const directory = await variant(bert)
    await rm(join(directory, 'model.safetensors'))
    await cp(fixturePath('core/bert-sharded'), directory, { recursive: true })
    expect((await load(directory)).weights).toEqual(await originals(bert))
  })

  it('takes a backbone saved without its prefix, with new weights for the classifier', async () => {
    const { weights, report } = await load(await variant(fixturePath('core/bert-base-model')))
    const expected = await originals(bert)
    expect(report.newlyInitialised).toEqual(['classifier.weight', 'classifier.bias'])
    expect(report.missing).toEqual(report.newlyInitialised)
    for (const name of report.loaded) expect(weights.get(name), name).toEqual(expected.get(name))
    expect(report.loaded).toContain('bert.pooler.dense.weight')
    expect(weights.get('classifier.bias')).toEqual(new Float32Array(3))
    expect(weights.get('classifier.weight')).not.toEqual(expected.get('classifier.weight'))
  })

  it('knows the names of TensorFlow checkpoints, tied copies and buffers', async () => {
    const legacy = (name: string) =>
      name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta')
    const directory = await variant(bert, { rename: legacy })
    const { weights, report } = await load(directory)
    expect(weights).toEqual(await originals(bert))
    expect(report.unexpected).toEqual([])

    const withExtras = await variant(fixturePath('core/bert-masked-lm'), {
      rename: (name) => (name === 'cls.predictions.bias' ? 'cls.predictions.decoder.bias' : name),
    })
    const file = await openSafetensors(join(withExtras, 'model.safetensors'))
    const tensors: TensorToWrite[] = []
    for (const [name, { shape }] of file.tensors) {
      const data = await file.read(name)
      tensors.push({ name, shape, data: () => data })
    }
    await file.close()
    const extra = (name: string) => ({ name, shape: [1], data: () => new Float32Array(1) })
    await writeSafetensors(join(withExtras, 'model.safetensors'), [
      ...tensors,
      extra('bert.embeddings.position_ids'),
      extra('cls.predictions.decoder.weight'),
      extra('cls.seq_relationship.weight'),
    ])
    const masked = await load(withExtras, 'masked-language-modelling')
    expect(masked.weights).toEqual(await originals(fixturePath('core/bert-masked-lm')))
    expect(masked.report.unexpected).toEqual(['cls.seq_relationship.weight'])
  })

  it('reports the head of another task as unexpected, and initialises its own', async () => {
    const { report } = await load(await variant(fixturePath('core/bert-masked-lm')))
    expect(report.newlyInitialised).toEqual(head)
    expect([...report.unexpected].sort()).toEqual([
      'cls.predictions.bias',
      'cls.predictions.transform.LayerNorm.bias',
      'cls.predictions.transform.LayerNorm.weight',
      'cls.predictions.transform.dense.bias',
      'cls.predictions.transform.dense.weight',
    ])
  })

  it('keeps the head for as many labels, and replaces it for another number', async () => {
    const expected = await originals(bert)
    const same = await load(bert, 'sequence-classification', ['a', 'b', 'c'])
    expect(same.report.newlyInitialised).toEqual([])
    expect(same.weights.get('classifier.weight')).toEqual(expected.get('classifier.weight'))
    const other = await load(bert, 'sequence-classification', ['a', 'b'])
    expect(other.report).toMatchObject({
      missing: [],
      mismatched: ['classifier.weight', 'classifier.bias'],
      newlyInitialised: ['classifier.weight', 'classifier.bias'],
    })
    expect(other.weights.get('classifier.weight')).toHaveLength(2 * 16)
    expect(other.weights.get('bert.pooler.dense.weight')).toEqual(expected.get('bert.pooler.dense.weight'))
  })

  it('draws new weights from the seed', async () => {
    const directory = await variant(fixturePath('core/bert-base-model'))
    const weightOf = async (seed: number) =>
      (await load(directory, 'sequence-classification', undefined, seed)).weights.get('classifier.weight')
    expect(await weightOf(1)).toEqual(await weightOf(1))
    expect(await weightOf(1)).not.toEqual(await weightOf(2))
  })
})

describe('a checkpoint that cannot be used', () => {
  const failures: [string, () => Promise<unknown>, RegExp][] = [
    [
      'has no directory',
      () => load('/no/such/model'),
      /config.json' must be a JSON file, but got missing\. Choose a directory/,
    ],
    [
      'has no weights',
      async () => load(await without('model.safetensors')),
      /model.safetensors or pytorch_model.bin, but got one without weights/,
    ],
    [
      'has a damaged pickle only',
      async () => {
        const directory = await without('model.safetensors')
        await writeFile(join(directory, 'pytorch_model.bin'), '')
        return load(directory)
      },
      /pytorch_model.bin' must be a file that torch.save wrote, but got one that starts with the bytes ''/,
    ],
    [
      'has no tokenizer',
      async () => load(await without('tokenizer.json')),
      /tokenizer.json, vocab.txt, .*, but got none of them/,
    ],
    [
      'has another architecture',
      async () => load(await variant(bert, { config: { model_type: 'mamba' } })),
      /one of bert, distilbert, .*, but got 'mamba'/,
    ],
    [
      'lacks a tensor of the backbone',
      async () =>
        load(
          await variant(bert, {
            rename: (name) => (name.includes('layer.1.output.dense.bias') ? undefined : name),
          }),
        ),
      /must be a checkpoint with 'bert.encoder.layer.1.output.dense.bias', but got one without it\. The weights do not belong/,
    ],
    [
      'has a wrong shape',
      async () => load(await variant(bert, { config: { intermediate_size: 25 } })),
      /whose 'bert.encoder.layer.0.intermediate.dense.weight' has the shape \[25, 16\], but got \[24, 16\]/,
    ],
    [
      'has a head that contradicts its own configuration',
      async () => load(await variant(bert, { config: { id2label: { 0: 'a', 1: 'b' } } })),
      /whose 'classifier.weight' has the shape \[2, 16\], but got \[3, 16\]/,
    ],
    [
      'has more tokens than the model',
      async () => load(await variant(bert, { config: { vocab_size: 100 } })),
      /tokenizer has at most the 100 tokens of config.json, but got 119/,
    ],
  ]

  async function without(file: string): Promise<string> {
    const directory = await variant(bert)
    await rm(join(directory, file))
    return directory
  }

  it.each(failures)('is refused when it %s', async (_, attempt, message) => {
    const error = await attempt().catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as Error).message).toMatch(message)
  })

  it('writes nothing before everything is checked', async () => {
    const checkpoint = await loadCheckpoint(await variant(bert, { config: { intermediate_size: 25 } }), {
      kind: 'encoder',
    })
    const written: string[] = []
    const write = (name: string) => void written.push(name)
    await expect(checkpoint.loadParameters('sequence-classification', { write })).rejects.toThrow(
      CheckpointError,
    )
    expect(written).toEqual([])
  })
})

describe('initializeParameters', () => {
  it('fills a model: weights normal, biases 0, LayerNorms 1, padding 0', async () => {
    const { config, family } = await loadCheckpoint(bert, { kind: 'encoder' })
    const weights: Weights = new Map()
    await initializeParameters(config, 'sequence-classification', {
      write: (name, values) => void weights.set(name, values),
    })
    const specs = family.parameterShapes(config, 'sequence-classification')
    expect([...weights.keys()]).toEqual(Object.keys(specs))
    for (const [name, { shape }] of Object.entries(specs))
      expect(weights.get(name), name).toHaveLength(sizeOf(shape))
    expect(weights.get('bert.embeddings.LayerNorm.weight')).toEqual(new Float32Array(16).fill(1))
    expect(weights.get('classifier.bias')).toEqual(new Float32Array(3))
    const words = weights.get('bert.embeddings.word_embeddings.weight')
    expect(words?.slice(0, 16)).toEqual(new Float32Array(16))
    expect(words?.slice(16, 32).every((value) => value !== 0)).toBe(true)
    const [query, key] = ['query', 'key'].map((part) =>
      weights.get(`bert.encoder.layer.0.attention.self.${part}.weight`),
    )
    expect(query).not.toEqual(key)
  })
})

describe('saveCheckpoint', () => {
  async function contents(source: string, labels?: string[]) {
    const { checkpoint, weights } = await load(await variant(source), 'sequence-classification', labels)
    const config = labels ? withLabels(checkpoint.config, labels) : checkpoint.config
    const task = 'sequence-classification' as const
    const specs = checkpoint.family.parameterShapes(config, task)
    const shapes = Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape]))
    const read = (name: string) => Promise.resolve(weights.get(name) as Float32Array)
    return { config, task, tokenizer: checkpoint.tokenizer, parameters: { shapes, read }, weights }
  }

  const newDirectory = async () => join(await mkdtemp(join(tmpdir(), 'tfx-save-')), 'model')

  it.each([
    ['bert', bert],
    ['distilbert', distilbert],
  ])('writes a %s that loads as it was, with the tokenizer byte for byte', async (_, source) => {
    const { weights, ...model } = await contents(source, ['bad', 'good'])
    const directory = await newDirectory()
    await saveCheckpoint(directory, model)
    expect((await readdir(directory)).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      expect(await readFile(join(directory, file))).toEqual(await readFile(join(bert, file)))
    }
    const again = await load(directory)
    expect(again.weights).toEqual(weights)
    expect(again.report.newlyInitialised).toEqual([])
    expect(again.checkpoint.config.labels).toEqual(['bad', 'good'])
  })

  it('stores float16 rounded, says so in config.json, and reads it back as float32', async () => {
    const { weights, ...model } = await contents(bert)
    const directory = await newDirectory()
    await saveCheckpoint(directory, { ...model, dtype: 'float16' })
    expect(JSON.parse(await readFile(join(directory, 'config.json'), 'utf8'))).toMatchObject({
      dtype: 'float16',
    })
    const again = await load(directory)
    for (const [name, values] of weights) {
      // Half of the distance between float16 numbers, relative and absolute.
      expect(again.weights.get(name), name).toBeAllClose(values, { relative: 2 ** -11, absolute: 2 ** -25 })
    }
  })

  it('splits large weights, and writes ONNX files where Transformers.js looks for them', async () => {
    const { weights, ...model } = await contents(bert)
    const directory = await newDirectory()
    await saveCheckpoint(directory, { ...model, maxShardSize: 12_000, onnx: ['float32', 'int8'] })
    expect(await readdir(directory)).toContain('model.safetensors.index.json')
    expect((await load(directory)).weights).toEqual(weights)
    expect((await readdir(join(directory, 'onnx'))).sort()).toEqual(['model.onnx', 'model_quantized.onnx'])
    const toFile = await exportEncoder({ ...model, read: model.parameters.read })
    expect(await readFile(join(directory, 'onnx', 'model.onnx'))).toEqual(Buffer.from(toFile('float32')))
    expect(await readFile(join(directory, 'onnx', 'model_quantized.onnx'))).toEqual(
      Buffer.from(toFile('int8')),
    )
  })

  it('leaves an occupied directory alone, and nothing half when reading fails', async () => {
    const model = await contents(bert)
    const directory = await newDirectory()
    await saveCheckpoint(directory, model)
    const before = await readFile(join(directory, 'model.safetensors'))
    await expect(saveCheckpoint(directory, { ...model, caller: 'save' })).rejects.toThrow(FileSystemError)
    await expect(saveCheckpoint(directory, { ...model, caller: 'save' })).rejects.toThrow(
      /^save: 'directory' must be a new or empty directory/,
    )
    const read = () => Promise.reject(new Error('device lost'))
    const failing = { ...model, parameters: { ...model.parameters, read }, overwrite: true }
    await expect(saveCheckpoint(directory, failing)).rejects.toThrow('device lost')
    expect(await readFile(join(directory, 'model.safetensors'))).toEqual(before)
    await saveCheckpoint(directory, { ...model, overwrite: true })
  })
})
