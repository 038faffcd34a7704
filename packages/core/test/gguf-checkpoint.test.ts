import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOnnxEngine } from '@tfx/backend'
import { CheckpointError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createDecoderSteps,
  formatConfig,
  generate,
  loadCheckpoint,
  loadTokenizer,
  readConfig,
  resolveBase,
  saveCheckpoint,
} from '../src/index'
import { shapesOfSpecs } from './model-contract'

interface Reference {
  ids: number[][]
  decoded: string[]
  chatTemplate: string | null
  logits: number[][]
  greedy: number[]
  parameters: number
}

const { texts, files } = loadFixture<{ texts: string[]; files: Record<string, Reference> }>(
  'core/gguf/outputs',
)
const pathOf = (name: string) => fixturePath(`core/gguf/${name}.gguf`)
const task = 'causal-language-modelling'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfx-gguf-checkpoint-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A copy of a file with other bytes. */
async function changed(name: string, change: (bytes: Buffer) => void): Promise<string> {
  const bytes = await readFile(pathOf(name))
  change(bytes)
  const path = join(folder, `${Math.random()}.gguf`)
  await writeFile(path, bytes)
  return path
}

const after = (bytes: Buffer, text: string) => bytes.indexOf(text) + text.length

const modelTypes: Record<string, string> = {
  ...{ llama: 'llama', llama3: 'llama', mistral: 'mistral', qwen2: 'qwen2', qwen3: 'qwen3' },
  ...{ gemma2: 'gemma2', gemma3: 'gemma3_text', phi3: 'phi3', gpt2: 'gpt2' },
}

const engine = createOnnxEngine()

/** A GGUF file as a model in the engine. */
async function load(name: string) {
  const checkpoint = await loadCheckpoint(pathOf(name), { kind: 'decoder' })
  const { config, family } = checkpoint
  const store = engine.createStore(shapesOfSpecs(family.parameterShapes(config, task)))
  const report = await checkpoint.loadParameters(task, { write: (key, values) => store.write(key, values) })
  return { ...checkpoint, store, report }
}

describe.each(Object.keys(modelTypes))('%s.gguf', (name) => {
  const reference = files[name]!

  it('has the texts, the chat template and the ids of its own', async () => {
    const { tokenizer, config } = await loadCheckpoint(pathOf(name), { kind: 'decoder' })
    expect(config.modelType).toBe(modelTypes[name])
    expect(texts.map((text) => tokenizer.encode(text).inputIds)).toEqual(reference.ids)
    expect(reference.ids.map((ids) => tokenizer.decode(ids))).toEqual(reference.decoded)
    const file = new TextDecoder().decode(tokenizer.files.get('tokenizer_config.json'))
    const { chat_template: template } = JSON.parse(file) as { chat_template?: string }
    expect(template ?? null).toBe(reference.chatTemplate)
  })

  it('computes and writes what transformers does', async () => {
    const { config, family, store, report, generation } = await load(name)
    expect(report).toMatchObject({ newlyInitialised: [], unexpected: [] })
    const sizes = Object.values(store.shapes).map((shape) => shape.reduce((a, b) => a * b, 1))
    expect(sizes.reduce((a, b) => a + b)).toBe(reference.parameters)
    const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
    const program = await engine.compile(
      ({ inputs: { inputIds, attentionMask }, parameters }) => {
        const run = { config, training: false }
        const tokens = { inputIds: inputIds!, attentionMask: attentionMask! }
        const { hidden } = family.backbone(parameters, tokens, run)
        const [batch, sequence, size] = hidden.shape as [number, number, number]
        const rows = tf.reshape(hidden, [batch * sequence, size])
        return { logits: family.languageModelHead(parameters, rows, run) }
      },
      { inputs: { inputIds: ids, attentionMask: ids }, parameters: store },
    )
    const prompt = reference.ids[0]!
    const tensor = (data: number[]) => ({
      dtype: 'int32' as const,
      shape: [1, prompt.length],
      data: Int32Array.from(data),
    })
    const { logits } = await program.run({
      inputIds: tensor(prompt),
      attentionMask: tensor(prompt.map(() => 1)),
    })
    const expected = reference.logits.flat()
    expect((logits!.data as Float32Array).slice(-expected.length)).toBeAllClose(expected, {
      absolute: 1e-5 * Math.max(...expected.map(Math.abs)),
    })
    const model = createDecoderSteps(engine, { config, store })
    const [[written] = []] = await generate(model, [prompt], { ...generation, maxNewTokens: 16 })
    expect(written!.tokens).toEqual(reference.greedy)
    await Promise.all([program.dispose(), model.dispose()])
    store.dispose()
  })
})

describe('a GGUF file', () => {
  it('is found in a directory, where a tokenizer.json goes before its own tokenizer', async () => {
    const directory = join(folder, 'alone')
    await mkdir(directory)
    await copyFile(pathOf('llama'), join(directory, 'model.gguf'))
    const { tokenizer, config } = await loadCheckpoint(directory)
    expect(tokenizer.encode(texts[0]!).inputIds).toEqual(files.llama!.ids[0])
    const json = JSON.parse(new TextDecoder().decode(tokenizer.files.get('tokenizer.json'))) as object
    await writeFile(
      join(directory, 'tokenizer.json'),
      JSON.stringify({ ...json, normalizer: { type: 'Lowercase' } }),
    )
    await writeFile(join(directory, 'tokenizer_config.json'), tokenizer.files.get('tokenizer_config.json')!)
    const other = await loadCheckpoint(directory)
    expect(other.config).toEqual(config)
    expect(other.tokenizer.encode('THE').inputIds).toEqual(tokenizer.encode('the').inputIds)
    await copyFile(pathOf('gpt2'), join(directory, 'second.gguf'))
    await expect(loadCheckpoint(directory)).rejects.toThrow(
      /with one GGUF file, but got 2 GGUF files\. Choose one of them: /,
    )
  })

  it('is a base', async () => {
    const path = pathOf('llama')
    expect(await resolveBase(path)).toEqual({ directory: path, source: `file ${path}` })
  })

  it('becomes a directory of Hugging Face', async () => {
    const { config, tokenizer, store } = await load('llama3')
    const directory = join(folder, 'saved')
    await saveCheckpoint(directory, { config, task, tokenizer, parameters: store })
    store.dispose()
    const saved = await loadCheckpoint(directory, { kind: 'decoder' })
    expect({ ...saved.config, source: {} }).toEqual({
      ...readConfig(formatConfig(config, task)),
      source: {},
    })
    expect(saved.config.eosTokenIds).toEqual([2])
    const own = await loadTokenizer(directory)
    expect(texts.map((text) => own.encode(text).inputIds)).toEqual(files.llama3!.ids)
    expect(own.padTokenId).toBe(0)
  })

  it('of Llama 3 starts texts with their token whether the file says so or not', async () => {
    const path = await changed('llama3', (bytes) => void bytes.write('BOS', bytes.indexOf('bos_token\x07')))
    const { tokenizer } = await loadCheckpoint(path)
    expect(tokenizer.encode(texts[0]!).inputIds).toEqual(files.llama3!.ids[0])
  })

  it('pads with the end where it has no padding', async () => {
    const { tokenizer } = await loadCheckpoint(pathOf('phi3'))
    expect(tokenizer.padTokenId).toBe(2)
  })

  it.each([
    [
      'an unknown architecture',
      'gpt2',
      (bytes: Buffer) => void bytes.write('bert', after(bytes, 'general.architecture') + 12),
      /architectures llama, qwen2, qwen3, gemma2, gemma3, phi3, gpt2, but got 'bert'\. Choose the safetensors/,
    ],
    [
      'an unknown cut of texts',
      'gpt2',
      (bytes: Buffer) => void bytes.write('gpt-9', after(bytes, 'tokenizer.ggml.pre') + 12),
      /tokenizer\.ggml\.pre of .* must be one of gpt-2, .*, but got 'gpt-9'\. Put the tokenizer\.json/,
    ],
    [
      'another kind of tokenizer',
      'mistral',
      (bytes: Buffer) => void bytes.write('mamba', after(bytes, 'tokenizer.ggml.model') + 12),
      /tokenizer\.ggml\.model of .* must be one of gpt2, llama, but got 'mamba'\. Put the tokenizer\.json/,
    ],
    [
      'forged layers',
      'llama',
      (bytes: Buffer) => void bytes.writeUInt32LE(4e9, after(bytes, 'llama.block_count') + 4),
      /llama\.block_count of .* at most the 20 tensors of the file, but got 4000000000/,
    ],
    [
      'a missing size',
      'qwen2',
      (bytes: Buffer) => void bytes.write('qwen2.CONTEXT', bytes.indexOf('qwen2.context')),
      /qwen2\.context_length of .* must be a file that says it, but got nothing/,
    ],
    [
      'a size that is no whole number',
      'qwen2',
      (bytes: Buffer) => void bytes.writeInt32LE(6, after(bytes, 'qwen2.context_length')),
      /'max_position_embeddings' must be a whole number of at least 1/,
    ],
    [
      'an id beyond the vocabulary',
      'llama',
      (bytes: Buffer) => void bytes.writeUInt32LE(5000, after(bytes, 'eos_token_id') + 4),
      /eos_token_id of .* an id below 330, but got 5000/,
    ],
  ])('with %s is refused', async (_, name, change, message) => {
    const error = await loadCheckpoint(await changed(name, change)).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as Error).message).toMatch(message)
  })
})
