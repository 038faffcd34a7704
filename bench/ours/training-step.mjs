// What every measurement needs: a classifier's parameters and its compiled training step.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  adamW,
  adapterSpecs,
  causalLanguageModelLoss,
  clipCoefficient,
  createOnnxEngine,
  createRandom,
  fitSlots,
  getEngine,
  globalNorm,
  initializeParameter,
  mixSeed,
  modelFamily,
  openSafetensors,
  parameterGroups,
  readConfig,
  setEngine,
  softmaxCrossEntropy,
  tf,
  trainedNames,
} from './packages.mjs'

/** A config.json without dropout. */
export function withoutDropout(config) {
  return {
    ...config,
    embeddingDropout: 0,
    activationDropout: 0,
    hiddenDropout: 0,
    attentionDropout: 0,
    classifierDropout: 0,
  }
}

export function configOf(directory) {
  return readConfig(JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')))
}

/**
 * The parameters of a classifier, and its step compiled for one size or for every size.
 *
 * @param config An encoder configuration.
 * @param options `weights`: a checkpoint directory (default: random); `shape`: of the ids, default dynamic;
 *   `gradientCheckpointing` as in the engine's `compile`; `threads`: default, one for each core; `adapter`: train it alone;
 *   `basePrecision` of what is frozen then, default float32.
 */
export async function createTraining(
  config,
  {
    weights,
    shape = ['batch', 'sequence'],
    target,
    gradientCheckpointing = false,
    threads,
    adapter,
    basePrecision,
  } = {},
) {
  await setEngine(threads === undefined ? 'onnx' : createOnnxEngine({ threads }))
  const engine = await getEngine()
  const optimizer = adamW()
  const family = modelFamily(config.modelType)
  const specs = family.parameterShapes(config, taskOf(family))
  const names = adapter ? trainedNames(adapter, { config, specs }, []) : Object.keys(specs)
  const slots = fitSlots({ optimizer, parameters: names })
  const store = await createStore(engine, config, { weights, slots, adapter, basePrecision })
  const run = { config, training: true }
  const step = ({ inputs, parameters }) => {
    if (family.kind === 'encoder-decoder')
      return { loss: translationLoss(family, parameters, { inputs, run }) }
    const output = family.backbone(parameters, inputs, run)
    if (family.kind === 'decoder') {
      const rows = tf.reshape(output.hidden, [-1, config.hiddenSize])
      return { loss: causalLanguageModelLoss(family.languageModelHead(parameters, rows, run), inputs.labels) }
    }
    const logits = family.sequenceClassificationHead(parameters, output, {
      ...run,
      attentionMask: inputs.attentionMask,
    })
    return { loss: softmaxCrossEntropy(logits, inputs.labels) }
  }
  const program = await engine.compile(step, {
    inputs: {
      inputIds: { shape, dtype: 'int32' },
      attentionMask: { shape, dtype: 'int32' },
      labels: {
        shape: labelShape(family, shape, target),
        dtype: 'int32',
      },
    },
    parameters: store,
    gradients: { of: 'loss', withRespectTo: names },
    gradientCheckpointing,
  })
  return { program, store, names, optimizer }
}

const tasks = {
  encoder: 'sequence-classification',
  decoder: 'causal-language-modelling',
  'encoder-decoder': 'sequence-to-sequence',
}
const taskOf = ({ kind }) => tasks[kind]

/** The loss of an encoder-decoder: inputs as they are, labels shifted for the decoder. */
function translationLoss(family, parameters, { inputs, run }) {
  const { inputIds, attentionMask, labels } = inputs
  const hidden = family.encoder(parameters, { inputIds, attentionMask }, run)
  const cross = family.crossKeyValues(parameters, hidden, run)
  const target = family.decoderInputs(labels, run.config)
  const decoded = family.decoder(
    parameters,
    { inputIds: target, encoderAttentionMask: attentionMask, cross },
    run,
  )
  const rows = tf.reshape(decoded.hidden, [-1, run.config.hiddenSize])
  return softmaxCrossEntropy(family.languageModelHead(parameters, rows, run), tf.reshape(labels, [-1]))
}

const labelShape = ({ kind }, shape, target) =>
  kind === 'encoder' ? shape.slice(0, 1) : kind === 'decoder' ? shape : [shape[0], target ?? 'target']

/** A store with the parameters of a classifier; see {@link createTraining}. */
export async function createStore(engine, config, { weights, slots = [], adapter, basePrecision } = {}) {
  const family = modelFamily(config.modelType)
  const own = family.parameterShapes(config, taskOf(family))
  const specs = { ...own, ...(adapter && adapterSpecs(adapter, { config, specs: own })) }
  const shapes = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, spec.shape]))
  // As `narrowBase` of @tfx/transfer chooses.
  const scoresWords = (name) => family.kind !== 'encoder' && shapes[name][0] === config.vocabSize
  const frozen = Object.keys(own).filter((name) => shapes[name].length > 1 && !scoresWords(name))
  const narrow = basePrecision && Object.fromEntries(frozen.map((name) => [name, basePrecision]))
  const store = engine.createStore(shapes, slots, { narrow })
  await (weights === undefined ? fillRandomly(store, specs, config) : fillFromCheckpoint(store, weights))
  return store
}

async function fillRandomly(store, specs, { initializerRange }) {
  const random = createRandom(1)
  for (const [name, spec] of Object.entries(specs)) {
    store.write(name, initializeParameter(spec, random, initializerRange))
  }
}

async function fillFromCheckpoint(store, directory) {
  const file = await openSafetensors(join(directory, 'model.safetensors'))
  for (const name of Object.keys(store.shapes)) store.write(name, await file.read(name))
  await file.close()
}

/** Clips to 1 and updates every parameter, as Hugging Face Trainer does by default. */
export async function applyGradients({ store, names, optimizer }, { step, learningRate }) {
  const norm = await globalNorm(store, names)
  const gradientScale = clipCoefficient(norm, 1)
  for (const group of parameterGroups(names, { weightDecay: 0 })) {
    optimizer.update({ store, ...group, step, learningRate, gradientScale })
  }
  return norm
}

/** A batch from rows of ids, padded to the longest of them, or to `length`. */
export function batchOf(rows, labels, length = Math.max(...rows.map((row) => row.length))) {
  const shape = [rows.length, length]
  const inputIds = new Int32Array(rows.length * length)
  const attentionMask = new Int32Array(rows.length * length)
  rows.forEach((row, index) => {
    inputIds.set(row, index * length)
    attentionMask.fill(1, index * length, index * length + row.length)
  })
  return {
    inputIds: { dtype: 'int32', shape, data: inputIds },
    attentionMask: { dtype: 'int32', shape, data: attentionMask },
    labels: { dtype: 'int32', shape: [rows.length], data: Int32Array.from(labels) },
  }
}

/** Random ids without padding, to be classified or continued. */
export function randomBatch(batch, length, { kind, target }) {
  const id = (index) => 1000 + (mixSeed(2, index) % 29000)
  const rows = Array.from({ length: batch }, (_, row) => {
    return Array.from({ length }, (_, column) => id(row * length + column))
  })
  const classified = batchOf(
    rows,
    rows.map((_, row) => row % 2),
  )
  if (kind === 'encoder') return classified
  if (kind === 'decoder') return { ...classified, labels: classified.inputIds }
  const data = classified.inputIds.data.slice(0, batch * target)
  return { ...classified, labels: { dtype: 'int32', shape: [batch, target], data } }
}

/** The highest resident set of this process so far (VmHWM), in MiB; null where the system does not tell. */
export function peakMemoryMegabytes() {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
  } catch {
    return null
  }
}
