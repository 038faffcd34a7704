import { readFile } from 'node:fs/promises'
import { type Engine, softmaxCrossEntropy } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import {
  causalLanguageModelLoss,
  type DecoderConfig,
  type DecoderFamily,
  modelFamily,
  readConfig,
} from '../src/index'
import {
  compileModel,
  type CompiledModel,
  int32,
  padded,
  readTensors,
  shapesOfSpecs,
  type Weights,
} from './model-contract'

/** The tasks with a head. */
export const decoderTasks = [
  'causal-language-modelling',
  'sequence-classification',
  'token-classification',
] as const

export type DecoderHeadTask = (typeof decoderTasks)[number]

/** What `fixtures/core/decoders/make_decoders.py` wrote about a family. */
export interface DecoderReference {
  inputIds: number[][]
  attentionMask: number[][]
  labels: number[][]
  sequenceLabels: number[]
  tokenLabels: number[][]
  tasks: Partial<Record<DecoderHeadTask, { logits: number[][] | number[][][]; loss: number }>>
  generated: { prompts: number[][]; greedy: number[][]; beams: number[][]; beamScores: number[] }
}

/** A family's fixture: a configuration, weights of the backbone and all heads, and what Hugging Face computes. */
export interface DecoderFixture {
  readonly directory: string
  readonly config: DecoderConfig
  readonly family: DecoderFamily
  readonly weights: Weights
  readonly outputs: DecoderReference
}

/** @param name A folder of `fixtures/core/decoders`. */
export async function loadDecoderFixture(name: string): Promise<DecoderFixture> {
  const directory = fixturePath(`core/decoders/${name}`)
  const config = readConfig(JSON.parse(await readFile(`${directory}/config.json`, 'utf8')), {
    kind: 'decoder',
  })
  const outputs = loadFixture<DecoderReference>(`core/decoders/${name}/outputs`)
  const weights = await readTensors(`${directory}/model.safetensors`)
  return { directory, config, family: modelFamily(config.modelType), weights, outputs }
}

/** The weights of a task: both classifiers of Llama and its relatives are named alike, and not alike in the fixture. */
export function weightOf({ weights }: DecoderFixture, task: string, name: string) {
  const isTokenScore = task === 'token-classification' && name.startsWith('score')
  return weights.get(isTokenScore ? `token.${name}` : name)
}

/** The batch of a fixture with columns of padding added behind. */
export function decoderBatch(
  { outputs }: DecoderFixture,
  task: DecoderHeadTask,
  padding = 0,
): Record<string, HostTensor> {
  const pad = (rows: number[][], value: number) => padded(rows, padding, value)
  const labels = {
    'causal-language-modelling': () => pad(outputs.labels, -100),
    'sequence-classification': () => int32(outputs.sequenceLabels),
    'token-classification': () => pad(outputs.tokenLabels, -100),
  }
  return {
    inputIds: pad(outputs.inputIds, 0),
    attentionMask: pad(outputs.attentionMask, 0),
    labels: labels[task](),
  }
}

interface ForwardOptions {
  parameters: Readonly<Record<string, tf.Tensor>>
  inputs: Readonly<Record<string, tf.Tensor>>
  training?: boolean
}

/** The logits of a task's head on tensors, eagerly or traced; those of a language model for every token. */
export function decoderForward(
  { family, config }: Pick<DecoderFixture, 'family' | 'config'>,
  task: DecoderHeadTask,
  { parameters, inputs, training = false }: ForwardOptions,
): tf.Tensor {
  const run = { config, training }
  const { hidden } = family.backbone(parameters, inputs as never, run)
  const [batch, sequence, size] = hidden.shape as [number, number, number]
  switch (task) {
    case 'causal-language-modelling': {
      const rows = tf.reshape(hidden, [batch * sequence, size])
      const scores = family.languageModelHead(parameters, rows, run)
      return tf.reshape(scores, [batch, sequence, config.vocabSize])
    }
    case 'sequence-classification':
      return family.sequenceClassificationHead(parameters, hidden, inputs.attentionMask!)
    case 'token-classification':
      return family.tokenClassificationHead(parameters, hidden, run)
  }
}

/** The loss that transformers gives: that of a language model has labels shifted by one. */
export function decoderLoss(task: DecoderHeadTask, logits: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  const classes = logits.shape.at(-1)!
  if (task !== 'causal-language-modelling') {
    return softmaxCrossEntropy(tf.reshape(logits, [-1, classes]), tf.reshape(labels, [-1]))
  }
  return causalLanguageModelLoss(tf.reshape(logits, [-1, classes]), labels)
}

/** The names of a task's parameters with their shapes. */
export const decoderShapes = (
  { family, config }: Pick<DecoderFixture, 'family' | 'config'>,
  task: DecoderHeadTask,
) => shapesOfSpecs(family.parameterShapes(config, task))

/** A task's model with its loss and gradients, compiled for batches of any size. */
export function compileDecoder(
  engine: Engine,
  fixture: DecoderFixture,
  {
    task,
    training = false,
    trained,
  }: { task: DecoderHeadTask; training?: boolean; trained?: (name: string) => boolean },
): Promise<CompiledModel> {
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  return compileModel(engine, {
    specs: fixture.family.parameterShapes(fixture.config, task),
    weightOf: (name) => weightOf(fixture, task, name)?.values,
    inputs: {
      inputIds: ids,
      attentionMask: ids,
      labels: task === 'sequence-classification' ? ({ shape: ['batch'], dtype: 'int32' } as const) : ids,
    },
    compute(parameters, inputs) {
      const logits = decoderForward(fixture, task, { parameters, inputs, training })
      return { logits, loss: decoderLoss(task, logits, inputs.labels!) }
    },
    trained,
  })
}

/** The fixtures of decoders that write. */
export const writingDecoders = [
  ...['gpt2', 'gpt2-by-layer', 'llama', 'llama3', 'llama-linear', 'llama-yarn', 'mistral', 'qwen2', 'qwen3'],
  ...['gemma2', 'gemma3_text', 'phi3', 'phi3-short', 'phi3-long'],
]
