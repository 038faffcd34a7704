import '@tensorflow/tfjs-backend-cpu'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Checkpoint, loadCheckpoint, saveCheckpoint, type Task } from '../src/index'
import { decoderForward } from './decoder-contract'
import { forward } from './encoder-contract'
import { int32, near, shapesOfSpecs, tensorsOf } from './model-contract'
import { sequenceForward } from './sequence-to-sequence-contract'

/** What `fixtures/core/variants/make_variants.py` wrote about a variant. */
interface VariantOutputs {
  inputIds: number[][]
  attentionMask: number[][]
  labels?: number[][]
  /** Of tokens, not of padding. */
  logits: number[][]
}

const variants = readdirSync(fixturePath('core/variants'), { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
)

const tasks = {
  encoder: 'masked-language-modelling',
  decoder: 'causal-language-modelling',
  'encoder-decoder': 'sequence-to-sequence',
} as const

let folder = ''
beforeAll(async () => {
  await tf.setBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'tfx-variants-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The weights of a checkpoint, none of which may be new. */
async function weightsOf(checkpoint: Checkpoint) {
  const weights = new Map<string, Float32Array>()
  const report = await checkpoint.loadParameters(tasks[checkpoint.kind] as never, {
    write: (name, values) => void weights.set(name, values),
  })
  expect(report).toMatchObject({ newlyInitialised: [], unexpected: [] })
  return weights
}

const shapesOf = ({ family, config, kind }: Checkpoint) =>
  shapesOfSpecs(family.parameterShapes(config as never, tasks[kind] as never))

/** The scores of every token that is no padding. */
function logitsOf(checkpoint: Checkpoint, weights: ReadonlyMap<string, Float32Array>, batch: VariantOutputs) {
  const parameters = Object.fromEntries(
    Object.entries(shapesOf(checkpoint)).map(([name, shape]) => [
      name,
      tf.tensor(weights.get(name)!, [...shape]),
    ]),
  )
  const inputs = tensorsOf({
    inputIds: int32(batch.inputIds),
    attentionMask: int32(batch.attentionMask),
    ...(batch.labels && { labels: int32(batch.labels) }),
  })
  const scores =
    checkpoint.kind === 'encoder'
      ? forward(checkpoint, tasks.encoder, { parameters, inputs })
      : checkpoint.kind === 'decoder'
        ? decoderForward(checkpoint, tasks.decoder, { parameters, inputs })
        : sequenceForward(checkpoint, parameters, { inputs })
  const isToken =
    batch.labels?.flat().map((label) => label !== -100) ?? batch.attentionMask.flat().map(Boolean)
  const size = checkpoint.config.vocabSize
  return Array.from(scores.dataSync()).filter((_, at) => isToken[Math.floor(at / size)])
}

describe.each(variants)('%s', (name) => {
  const outputs = loadFixture<VariantOutputs>(`core/variants/${name}/outputs`)
  const expected = outputs.logits.flat()

  it('gives the scores of transformers, and again when it was saved', async () => {
    const checkpoint = await loadCheckpoint(fixturePath(`core/variants/${name}`))
    const weights = await weightsOf(checkpoint)
    expect(logitsOf(checkpoint, weights, outputs)).toBeAllClose(expected, near(expected))
    const { config, tokenizer, kind } = checkpoint
    const parameters = {
      shapes: shapesOf(checkpoint),
      read: (key: string) => Promise.resolve(weights.get(key)!),
    }
    const task: Task = tasks[kind]
    await saveCheckpoint(join(folder, name), { config, task, tokenizer, parameters })
    const again = await loadCheckpoint(join(folder, name))
    expect({ ...again.config, source: {} }).toEqual({ ...config, source: {} })
    expect(logitsOf(again, await weightsOf(again), outputs)).toBeAllClose(expected, near(expected))
  })
})
