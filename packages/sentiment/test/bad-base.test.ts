import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { refusal } from '@tfx/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { load, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 40 })

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
