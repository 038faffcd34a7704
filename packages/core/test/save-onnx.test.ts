import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM, env, Tensor } from '@huggingface/transformers'
import { ArgumentError } from '@tfx/common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  parseGenerationConfig,
  type ModelConfig,
  saveCheckpoint,
  type SaveCheckpointOptions,
  type Task,
} from '../src/index'
import { decoderShapes, loadDecoderFixture } from './decoder-contract'
import type { Weights } from './model-contract'
import { loadSequenceFixture, sequenceShapes } from './sequence-to-sequence-contract'

env.allowRemoteModels = false

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfx-save-onnx-'))
  env.localModelPath = folder
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const int64 = (rows: readonly (readonly number[])[]) =>
  new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length])

/** Without what follows an end. */
const until = (end: number) => (row: number[]) =>
  row.includes(end) ? row.slice(0, row.indexOf(end) + 1) : row

/** What is saved, with the weights of a fixture. */
function contents(
  { config, weights }: { config: ModelConfig; weights: Weights },
  task: Task,
  shapes: Record<string, readonly number[]>,
): SaveCheckpointOptions {
  const read = (name: string) => Promise.resolve(weights.get(name)!.values)
  return { config, task, tokenizer: { files: new Map() }, parameters: { shapes, read } }
}

async function decoder(name: string) {
  const fixture = await loadDecoderFixture(name)
  const task = 'causal-language-modelling'
  return { ...fixture, model: contents(fixture, task, decoderShapes(fixture, task)) }
}

async function sequenceToSequence(name: string) {
  const fixture = await loadSequenceFixture(name)
  return { ...fixture, model: contents(fixture, 'sequence-to-sequence', sequenceShapes(fixture)) }
}

const jsonOf = async (name: string, file: string) =>
  JSON.parse(await readFile(join(folder, name, file), 'utf8')) as Record<string, unknown>

describe('saveCheckpoint with ONNX files', () => {
  it.each([
    ['in one file', 'whole', {}, ['model.onnx', 'model_q4.onnx']],
    [
      'with weights beside a file that is too large',
      'split',
      { maxOnnxSize: 2_000 },
      ['model.onnx', 'model.onnx_data', 'model_q4.onnx', 'model_q4.onnx_data'],
    ],
  ])('of a decoder, %s, is what Transformers.js runs', async (_, name, options, files) => {
    const { model, outputs } = await decoder('llama')
    await saveCheckpoint(join(folder, name), { ...model, onnx: ['float32', 'int4'], ...options })
    expect((await readdir(join(folder, name, 'onnx'))).sort()).toEqual(files)
    expect(await jsonOf(name, 'generation_config.json')).toMatchObject({ eos_token_id: 2, pad_token_id: 0 })
    const { prompts, greedy } = outputs.generated
    const loaded = await AutoModelForCausalLM.from_pretrained(name, { dtype: 'fp32' })
    for (const [index, prompt] of prompts.entries()) {
      const inputs = { input_ids: int64([prompt]), attention_mask: int64([prompt.map(() => 1)]) }
      const written = (await loaded.generate({ ...inputs, max_new_tokens: 9, do_sample: false })) as Tensor
      const row = (written.tolist() as bigint[][])[0]!.slice(prompt.length).map(Number)
      expect(until(2)(row)).toEqual(until(2)(greedy[index]!))
    }
    await loaded.dispose()
    await (await AutoModelForCausalLM.from_pretrained(name, { dtype: 'q4' })).dispose()
  })

  it('splits only what is too large at its precision, and forgets what an older save was told', async () => {
    const { model } = await decoder('llama')
    const { size } = await stat(join(folder, 'split', 'onnx', 'model.onnx_data'))
    const maxOnnxSize = Math.round(0.75 * size)
    await saveCheckpoint(join(folder, 'mixed'), { ...model, onnx: ['float32', 'float16'], maxOnnxSize })
    expect((await readdir(join(folder, 'mixed', 'onnx'))).sort()).toEqual([
      'model.onnx',
      'model.onnx_data',
      'model_fp16.onnx',
    ])
    const told = (await jsonOf('mixed', 'config.json'))['transformers.js_config']
    expect(told).toEqual({ use_external_data_format: { 'model.onnx': 1 } })
    const source = { ...model.config.source, 'transformers.js_config': { ...(told as object), dtype: 'q4' } }
    const config = { ...model.config, source } as ModelConfig
    await saveCheckpoint(join(folder, 'mixed'), { ...model, config, onnx: ['float16'], overwrite: true })
    expect((await jsonOf('mixed', 'config.json'))['transformers.js_config']).toEqual({ dtype: 'q4' })
  })

  it.each([
    ['bart', {}],
    ['t5-gated', { maxOnnxSize: 5_000 }],
  ])('of the encoder-decoder %s is what Transformers.js runs', async (name, options) => {
    const { model, outputs, config } = await sequenceToSequence(name)
    const generation = parseGenerationConfig({
      ...config.source,
      decoder_start_token_id: outputs.startToken,
      forced_eos_token_id: outputs.forcedEndToken,
    })
    await saveCheckpoint(join(folder, name), { ...model, generation, onnx: ['float32', 'int8'], ...options })
    const files = ['encoder_model', 'decoder_model_merged'].flatMap((half) => [
      `${half}.onnx`,
      `${half}_quantized.onnx`,
    ])
    expect(await readdir(join(folder, name, 'onnx'))).toEqual(expect.arrayContaining(files))
    const loaded = await AutoModelForSeq2SeqLM.from_pretrained(name, { dtype: 'fp32' })
    // What starts and ends a text is in generation_config.json.
    const sequences = (await loaded.generate({
      input_ids: int64(outputs.inputIds),
      attention_mask: int64(outputs.attentionMask),
      max_new_tokens: 9,
      do_sample: false,
    })) as Tensor
    const rows = (sequences.tolist() as bigint[][]).map((row) => row.slice(1).map(Number))
    const end = until(config.eosTokenIds[0]!)
    expect(rows.map(end)).toEqual(outputs.greedy.map(end))
    await loaded.dispose()
  })

  it('is refused for a task that has none', async () => {
    const { model } = await decoder('llama')
    const saving = saveCheckpoint(join(folder, 'none'), {
      ...model,
      task: 'feature-extraction',
      onnx: ['int8'],
    })
    await expect(saving).rejects.toThrow(ArgumentError)
    await expect(saving).rejects.toThrow(
      /'onnx' must be empty, or a task of causal-language-modelling, .*, but got the task feature-extraction/,
    )
    expect(await readdir(folder)).not.toContain('none')
  })
})
