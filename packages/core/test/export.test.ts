import '@tensorflow/tfjs-backend-cpu'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
  env,
  Tensor,
} from '@huggingface/transformers'
import { tf } from '@tfx/compiler'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportEncoder, type ExportTask, formatConfig, onnxFiles, type OnnxPrecision } from '../src/index'
import { type EncoderFixture, fixtureBatch, forward, loadEncoderFixture } from './encoder-contract'

env.allowRemoteModels = false

const classes = {
  'feature-extraction': AutoModel,
  'sequence-classification': AutoModelForSequenceClassification,
  'token-classification': AutoModelForTokenClassification,
  'masked-language-modelling': AutoModelForMaskedLM,
} as const
const dtypes = { float32: 'fp32', float16: 'fp16', int8: 'q8', int4: 'q4' } as const

let folder = ''
beforeAll(async () => {
  await tf.setBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'tfx-export-'))
  env.localModelPath = folder
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What we compute eagerly for the fixture's batch. */
function expected(fixture: EncoderFixture, task: ExportTask): tf.Tensor {
  const batch = fixtureBatch(fixture, 'sequence-classification')
  const inputs = Object.fromEntries(
    Object.entries(batch).map(([key, { data, shape }]) => [key, tf.tensor(data, [...shape], 'int32')]),
  )
  const parameters = Object.fromEntries(
    [...fixture.weights].map(([key, { shape, values }]) => [key, tf.tensor(values, [...shape])]),
  )
  const run = { config: fixture.config, training: false }
  return task === 'feature-extraction'
    ? fixture.family.backbone(parameters, inputs as never, run)
    : forward(fixture, task, { parameters, inputs })
}

/** What Transformers.js computes with the exported file. */
async function received(fixture: EncoderFixture, task: ExportTask, precision: OnnxPrecision) {
  const name = `${fixture.config.modelType}-${task}-${precision}`
  const read = (key: string) => Promise.resolve(fixture.weights.get(key)!.values)
  const toBytes = await exportEncoder({ config: fixture.config, task, read })
  const file = join(folder, name, 'onnx', onnxFiles[precision])
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, toBytes(precision))
  await writeFile(join(folder, name, 'config.json'), JSON.stringify(formatConfig(fixture.config, task)))
  const model = await classes[task].from_pretrained(name, { dtype: dtypes[precision] })
  const { inputIds, attentionMask, tokenTypeIds } = fixtureBatch(fixture, 'sequence-classification')
  const feed = ({ data, shape }: typeof inputIds & object) =>
    new Tensor('int64', BigInt64Array.from(data, BigInt), [...shape])
  const outputs = (await model({
    input_ids: feed(inputIds!),
    attention_mask: feed(attentionMask!),
    ...(tokenTypeIds && { token_type_ids: feed(tokenTypeIds) }),
  })) as Record<string, Tensor>
  await model.dispose()
  return outputs[task === 'feature-extraction' ? 'last_hidden_state' : 'logits']!
}

describe.each([
  'bert',
  'distilbert',
  'roberta',
  'xlm-roberta',
  'electra',
  'mpnet',
  'albert',
  'modernbert',
  'deberta-v3',
])('%s', (name) => {
  // Transformers.js 4.3 has no AlbertForTokenClassification.
  const isServed = (task: string) => !(name === 'albert' && task === 'token-classification')

  it.each((Object.keys(classes) as ExportTask[]).filter(isServed))(
    'is run by Transformers.js as we run it: %s',
    async (task) => {
      const fixture = await loadEncoderFixture(name)
      const [ours, theirs] = [expected(fixture, task), await received(fixture, task, 'float32')]
      const positions = fixture.outputs.inputIds[0]!.length
      // The eager head scores the rows of all sequences one after the other.
      expect(theirs.dims.slice(0, 2)).toEqual(
        task === 'sequence-classification' ? ours.shape : [fixture.outputs.inputIds.length, positions],
      )
      expect(theirs.data as Float32Array).toBeAllClose(ours.dataSync(), { absolute: 1e-4, relative: 1e-4 })
    },
  )

  it.each([
    ['float16', 0.02],
    ['int8', 0.2],
    ['int4', 0.5],
  ] as const)('is nearly the same in %s', async (precision, share) => {
    const fixture = await loadEncoderFixture(name)
    const ours = [...expected(fixture, 'sequence-classification').dataSync()]
    const theirs = (await received(fixture, 'sequence-classification', precision)).data as Float32Array
    const largest = Math.max(...ours.map(Math.abs))
    expect(theirs).toBeAllClose(ours, { absolute: share * largest, relative: 0 })
    expect(theirs).not.toBeAllClose(ours, { absolute: 1e-7 * largest, relative: 0 })
  })
})
