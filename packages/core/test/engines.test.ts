import '@tensorflow/tfjs-backend-cpu'
import { createOnnxEngine, createTfjsEngine, type Engine, softmaxCrossEntropy } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import type { tf } from '@tfx/compiler'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { type EncoderConfig, modelFamily, openSafetensors, type Task } from '../src/index'
import { loadFixtureModel, outputs } from './model-fixtures'

const int32 = (data: readonly number[], shape = [data.length]): HostTensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(data),
})

const rows = (table: number[][]) => int32(table.flat(), [table.length, table[0]?.length ?? 0])

/** The forward pass with its loss, compiled by an engine for batches of any size. */
async function compileModel(
  engine: Engine,
  name: string,
  { training = false, change = {} }: { training?: boolean; change?: Partial<EncoderConfig> } = {},
) {
  const { config: own } = await loadFixtureModel(name)
  const config = { ...own, ...change } as EncoderConfig
  const family = modelFamily(config.modelType)
  const task: Task = name.endsWith('classification') ? 'sequence-classification' : 'masked-language-modelling'
  const isMasked = task === 'masked-language-modelling'
  const specs = family.parameterShapes(config, task)
  const shapes = Object.fromEntries(Object.entries(specs).map(([key, { shape }]) => [key, shape]))
  const store = engine.createStore(shapes, ['gradient'])
  const file = await openSafetensors(fixturePath(`core/${name}/model.safetensors`))
  for (const key of Object.keys(shapes)) store.write(key, await file.read(key))
  await file.close()
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  const inputs = {
    inputIds: ids,
    attentionMask: ids,
    labels: { shape: [isMasked ? 'targets' : 'batch'], dtype: 'int32' } as const,
    ...(family.usesTokenTypes && { tokenTypeIds: ids }),
    ...(isMasked && {
      maskedPositions: { shape: ['targets'], dtype: 'int32' } as const,
    }),
  }
  const program = await engine.compile(
    ({ inputs: given, parameters }) => {
      const tensors = given as { inputIds: tf.Tensor; attentionMask: tf.Tensor; labels: tf.Tensor }
      const hidden = family.backbone(parameters, tensors, { config, training })
      const logits =
        task === 'sequence-classification'
          ? family.sequenceClassificationHead(parameters, hidden, { config, training })
          : family.maskedLanguageModelHead(parameters, hidden, {
              config,
              maskedPositions: given.maskedPositions,
            })
      return { logits, loss: softmaxCrossEntropy(logits, tensors.labels) }
    },
    { inputs, parameters: store, gradients: { of: 'loss', withRespectTo: Object.keys(shapes) } },
  )
  const batch = {
    inputIds: rows(outputs.inputIds),
    attentionMask: rows(outputs.attentionMask),
    labels: int32(isMasked ? outputs.maskedLabels : outputs.labels),
    ...(family.usesTokenTypes && { tokenTypeIds: rows(outputs.tokenTypeIds) }),
    ...(isMasked && { maskedPositions: int32(outputs.maskedPositions) }),
  }
  return {
    store,
    run: (seed?: number) => program.run(batch, seed === undefined ? {} : { seed }),
    async dispose() {
      await program.dispose()
      store.dispose()
    },
  }
}

describe.each([
  ['onnx', () => createOnnxEngine()],
  ['tfjs:cpu', () => createTfjsEngine('cpu')],
])('on the engine %s', (_, createEngine) => {
  const engine = createEngine()

  it.each(['bert-classification', 'bert-masked-lm', 'distilbert-classification', 'distilbert-masked-lm'])(
    '%s computes logits, loss and every gradient of PyTorch',
    async (name) => {
      const model = await compileModel(engine, name)
      const { logits, loss } = await model.run()
      const expected = outputs.models[name]
      const tolerance = { absolute: 1e-5, relative: 1e-5 }
      expect(logits?.data).toBeAllClose(expected?.logits.flat() ?? [], tolerance)
      expect(loss?.data).toBeAllClose([expected?.loss ?? NaN], tolerance)
      const reference = await openSafetensors(fixturePath(`core/${name}/gradients.safetensors`))
      expect([...reference.tensors.keys()].sort()).toEqual(Object.keys(model.store.shapes).sort())
      for (const key of reference.tensors.keys()) {
        const theirs = await reference.read(key)
        const largest = theirs.reduce((most, gradient) => Math.max(most, Math.abs(gradient)), 0)
        // The key bias has a gradient of 0 but for rounding: softmax does not change when all scores shift.
        const bound = { absolute: Math.max(1e-4 * largest, 1e-6), relative: 0 }
        expect(await model.store.read(key, 'gradient'), key).toBeAllClose(theirs, bound)
      }
      await reference.close()
      await model.dispose()
    },
  )

  const none = { hiddenDropout: 0, attentionDropout: 0, classifierDropout: 0 }

  it.each(['bert-classification', 'distilbert-classification'])(
    '%s has dropout in training only, at every rate of its configuration',
    async (name) => {
      const logitsOf = async (options: Parameters<typeof compileModel>[2], seed?: number) => {
        const model = await compileModel(engine, name, options)
        const { logits } = await model.run(seed)
        await model.dispose()
        return [...(logits?.data ?? [])]
      }
      const still = await logitsOf({ training: false })
      expect(await logitsOf({ training: true, change: none })).toBeAllClose(still, { absolute: 1e-6 })
      for (const rate of ['hiddenDropout', 'attentionDropout', 'classifierDropout'] as const) {
        const change = { ...none, [rate]: 0.5 }
        const dropped = await logitsOf({ training: true, change }, 1)
        expect(dropped, rate).not.toBeAllClose(still, { absolute: 1e-3 })
        expect(await logitsOf({ training: true, change }, 1), rate).toEqual(dropped)
        expect(await logitsOf({ training: true, change }, 2), rate).not.toEqual(dropped)
      }
    },
  )
})
