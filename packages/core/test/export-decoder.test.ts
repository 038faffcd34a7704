import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { AutoModelForCausalLM, env, type PreTrainedModel, Tensor } from '@huggingface/transformers'
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportDecoder, formatConfig, onnxFiles, type OnnxPrecision } from '../src/index'
import { type DecoderFixture, loadDecoderFixture } from './decoder-contract'

env.allowRemoteModels = false

const dtypes = { float32: 'fp32', float16: 'fp16', int8: 'q8', int4: 'q4' } as const
const languageModel = 'causal-language-modelling'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfx-export-decoder-'))
  env.localModelPath = folder
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The exported file, loaded by Transformers.js. */
async function load(fixture: DecoderFixture, precision: OnnxPrecision = 'float32'): Promise<PreTrainedModel> {
  const { config } = fixture
  const name = `${fixture.directory.split('/').at(-1)}-${precision}`
  const toBytes = await exportDecoder({
    config,
    read: (key) => Promise.resolve(fixture.weights.get(key)!.values),
  })
  const file = join(folder, name, 'onnx', onnxFiles[precision])
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, toBytes(precision))
  await writeFile(join(folder, name, 'config.json'), JSON.stringify(formatConfig(config, languageModel)))
  return AutoModelForCausalLM.from_pretrained(name, { dtype: dtypes[precision] })
}

const int64 = (rows: readonly (readonly number[])[]) =>
  new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length])

/** Prompts with padding on the left. */
function leftPadded(prompts: readonly number[][]) {
  const width = Math.max(...prompts.map((prompt) => prompt.length))
  const pad = (prompt: number[], filler: number) => Array<number>(width - prompt.length).fill(filler)
  return {
    width,
    input_ids: int64(prompts.map((prompt) => [...pad(prompt, 0), ...prompt])),
    attention_mask: int64(prompts.map((prompt) => [...pad(prompt, 0), ...prompt.map(() => 1)])),
  }
}

const untilEnd = (row: number[]) => (row.includes(2) ? row.slice(0, row.indexOf(2) + 1) : row)

/** The root of the mean square. */
const size = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)

const families = ['gpt2', 'llama', 'llama3', 'mistral', 'qwen2', 'qwen3', 'gemma2', 'gemma3_text', 'phi3']

describe.each(families)('%s', (name) => {
  it('writes in Transformers.js what it writes in Python, token for token', async () => {
    const fixture = await loadDecoderFixture(name)
    const model = await load(fixture)
    const { prompts, greedy } = fixture.outputs.generated
    const { width, ...inputs } = leftPadded(prompts)
    const sequences = (await model.generate({
      ...inputs,
      max_new_tokens: greedy[0]!.length,
      do_sample: false,
    })) as Tensor
    const rows = (sequences.tolist() as bigint[][]).map((row) => row.slice(width).map(Number))
    // Behind the end they fill rows differently.
    expect(rows.map(untilEnd)).toEqual(greedy.map(untilEnd))
    await model.dispose()
  })

  it('scores in Transformers.js what we score, at every precision', async () => {
    const fixture = await loadDecoderFixture(name)
    const { inputIds, attentionMask, tasks } = fixture.outputs
    const expected = (tasks[languageModel]!.logits as number[][][])[0]!.flat()
    for (const [precision, share] of [
      ['float32', 1e-5],
      ['float16', 0.01],
      ['int8', 0.15],
      ['int4', 0.7],
    ] as const) {
      const model = await load(fixture, precision)
      const { logits } = (await model({
        input_ids: int64(inputIds),
        attention_mask: int64(attentionMask),
      })) as { logits: Tensor }
      expect(logits.dims).toEqual([3, inputIds[0]!.length, fixture.config.vocabSize])
      const first = (logits.data as Float32Array).slice(0, expected.length)
      const errors = expected.map((value, index) => value - first[index]!)
      expect(size(errors), precision).toBeLessThan(share * size(expected))
      await model.dispose()
    }
  })
})

it('has its weights beside it where they would not fit, and Transformers.js finds them', async () => {
  const { config, weights, outputs } = await loadDecoderFixture('llama')
  const toBytes = await exportDecoder({ config, read: (key) => Promise.resolve(weights.get(key)!.values) })
  const directory = join(folder, 'external', 'onnx')
  await mkdir(directory, { recursive: true })
  const written: Uint8Array[] = []
  const external = {
    location: 'model.onnx_data',
    write: (bytes: Uint8Array) => void written.push(bytes.slice()),
  }
  const bytes = toBytes('float32', external)
  expect(bytes.length).toBeLessThan(0.7 * toBytes('float32').length)
  await writeFile(join(directory, 'model.onnx'), bytes)
  await writeFile(join(directory, 'model.onnx_data'), Buffer.concat(written))
  await writeFile(
    join(folder, 'external', 'config.json'),
    JSON.stringify(formatConfig(config, languageModel)),
  )
  const model = await AutoModelForCausalLM.from_pretrained('external', {
    dtype: 'fp32',
    use_external_data_format: true,
  })
  const { width, ...inputs } = leftPadded(outputs.generated.prompts)
  const sequences = await model.generate({ ...inputs, max_new_tokens: 9, do_sample: false })
  const rows = ((sequences as Tensor).tolist() as bigint[][]).map((row) => row.slice(width).map(Number))
  expect(rows.map(untilEnd)).toEqual(outputs.generated.greedy.map(untilEnd))
  await model.dispose()
})

it('classifies as in Python', async () => {
  // Transformers.js has no classes for it: this is onnxruntime alone.
  const { config, weights, outputs } = await loadDecoderFixture('llama')
  const read = (key: string) => Promise.resolve(weights.get(key)!.values)
  const toBytes = await exportDecoder({ config, task: 'sequence-classification', read })
  const ids = (rows: number[][]) =>
    new OnnxTensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length])
  const session = await InferenceSession.create(toBytes('float32'))
  const { logits } = await session.run({
    input_ids: ids(outputs.inputIds),
    attention_mask: ids(outputs.attentionMask),
  })
  const expected = outputs.tasks['sequence-classification']!.logits.flat(2)
  expect(logits!.data as Float32Array).toBeAllClose(expected, { absolute: 1e-4, relative: 1e-4 })
  await session.release()
})
