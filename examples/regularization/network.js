import { getEngine } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import {
  causalLanguageModelLoss,
  decoderTransformerConfig,
  initializeParameters,
  modelFamily,
} from '@tfx/core'
import { fitSlots } from '@tfx/train'

const task = 'causal-language-modelling'

/** A plain Transformer with random weights: its parameters, and the loss of predicting each next character. */
export async function createNetwork(sizes, { optimizer, seed }) {
  const engine = await getEngine()
  const config = decoderTransformerConfig(sizes)
  const family = modelFamily(config.modelType)
  const shapes = Object.fromEntries(
    Object.entries(family.parameterShapes(config, task)).map(([name, { shape }]) => [name, shape]),
  )
  const store = engine.createStore(shapes, fitSlots({ optimizer, keepBest: undefined }))
  await initializeParameters(config, task, { write: (name, values) => store.write(name, values), seed })
  const parameters = Object.keys(shapes)

  const lossOf =
    (training) =>
    ({ inputs: { inputIds, attentionMask, labels }, parameters }) => {
      const run = { config, training }
      const { hidden } = family.backbone(parameters, { inputIds, attentionMask }, run)
      const rows = tf.reshape(hidden, [-1, config.hiddenSize])
      return { loss: causalLanguageModelLoss(family.languageModelHead(parameters, rows, run), labels) }
    }
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' }
  const inputs = { inputIds: ids, attentionMask: ids, labels: ids }
  const options = { inputs, parameters: store }
  const gradients = { of: 'loss', withRespectTo: parameters }
  return {
    store,
    parameters,
    program: await engine.compile(lossOf(true), { ...options, gradients }),
    evaluation: await engine.compile(lossOf(false), options),
  }
}

/** A batch of pieces. What is read may be noisy; what is to be predicted is not. */
export function batchOf(pieces, encode, read = pieces) {
  const shape = [pieces.length, pieces[0].length]
  const matrix = (texts) => ({
    dtype: 'int32',
    shape,
    data: Int32Array.from(texts.flatMap((text) => [...encode(text)])),
  })
  const tokens = shape[0] * shape[1]
  return {
    inputs: {
      inputIds: matrix(read),
      attentionMask: { dtype: 'int32', shape, data: new Int32Array(tokens).fill(1) },
      labels: matrix(pieces),
    },
    examples: pieces.length,
    tokens,
    weight: pieces.length * (shape[1] - 1),
  }
}
