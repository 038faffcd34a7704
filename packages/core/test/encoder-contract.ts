import { readFile } from 'node:fs/promises'
import { type Engine, softmaxCrossEntropy } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import { type EncoderConfig, type EncoderFamily, modelFamily, readConfig } from '../src/index'
import {
  compileModel,
  type CompiledModel,
  int32,
  padded,
  readTensors,
  shapesOfSpecs,
  type Weights,
} from './model-contract'

/** The tasks with a head that every family has. */
export const tasks = ['sequence-classification', 'token-classification', 'masked-language-modelling'] as const

export type HeadTask = (typeof tasks)[number]

/** What `fixtures/core/encoders/make_encoders.py` wrote about a family. */
export interface EncoderOutputs {
  inputIds: number[][]
  attentionMask: number[][]
  tokenTypeIds: number[][]
  labels: number[]
  tokenLabels: number[][]
  maskedPositions: number[]
  maskedLabels: number[]
  tasks: Record<HeadTask, { logits: number[][] | number[][][]; loss: number }>
}

/** A family's fixture: a configuration, weights of the backbone and all heads, and what Hugging Face computes. */
export interface EncoderFixture {
  readonly directory: string
  readonly config: EncoderConfig
  readonly family: EncoderFamily
  readonly weights: Weights
  readonly outputs: EncoderOutputs
}

/** @param name A folder of `fixtures/core/encoders`. */
export async function loadEncoderFixture(name: string): Promise<EncoderFixture> {
  const directory = fixturePath(`core/encoders/${name}`)
  const config = readConfig(JSON.parse(await readFile(`${directory}/config.json`, 'utf8')), {
    kind: 'encoder',
  })
  const outputs = loadFixture<EncoderOutputs>(`core/encoders/${name}/outputs`)
  const weights = await readTensors(`${directory}/model.safetensors`)
  return { directory, config, family: modelFamily(config.modelType), weights, outputs }
}

/** The batch of a fixture, with columns of padding added; positions are moved accordingly. */
export function fixtureBatch(
  { outputs, config, family }: EncoderFixture,
  task: HeadTask,
  padding = 0,
): Record<string, HostTensor> {
  const pad = (rows: number[][], value: number) => padded(rows, padding, value)
  const width = outputs.inputIds[0]!.length
  const move = (position: number) => Math.floor(position / width) * (width + padding) + (position % width)
  const tokens = {
    inputIds: pad(outputs.inputIds, config.padTokenId),
    attentionMask: pad(outputs.attentionMask, 0),
    ...(family.usesTokenTypes && { tokenTypeIds: pad(outputs.tokenTypeIds, 0) }),
  }
  switch (task) {
    case 'sequence-classification':
      return { ...tokens, labels: int32(outputs.labels) }
    case 'token-classification':
      return { ...tokens, labels: pad(outputs.tokenLabels, -100) }
    case 'masked-language-modelling':
      return {
        ...tokens,
        labels: int32(outputs.maskedLabels),
        maskedPositions: int32(outputs.maskedPositions.map(move)),
      }
  }
}

/** The logits of a task's head on tensors, eagerly or traced. */
export function forward(
  { family, config }: Pick<EncoderFixture, 'family' | 'config'>,
  task: HeadTask,
  { parameters, inputs, training = false }: ForwardOptions,
): tf.Tensor {
  const run = { config, training, attentionMask: inputs.attentionMask }
  const hidden = family.backbone(parameters, inputs as never, run)
  switch (task) {
    case 'sequence-classification':
      return family.sequenceClassificationHead(parameters, hidden, run)
    case 'token-classification':
      return family.tokenClassificationHead(parameters, hidden, run)
    case 'masked-language-modelling':
      return family.maskedLanguageModelHead(parameters, hidden, {
        ...run,
        maskedPositions: inputs.maskedPositions,
      })
  }
}

interface ForwardOptions {
  parameters: Readonly<Record<string, tf.Tensor>>
  inputs: Readonly<Record<string, tf.Tensor>>
  training?: boolean
}

/** The names of a task's parameters with their shapes. */
export const shapesOf = ({ family, config }: Pick<EncoderFixture, 'family' | 'config'>, task: HeadTask) =>
  shapesOfSpecs(family.parameterShapes(config, task))

/** A task's model with its loss and gradients, compiled for batches of any size. */
export function compileTask(
  engine: Engine,
  fixture: EncoderFixture,
  {
    task,
    training = false,
    trained,
  }: { task: HeadTask; training?: boolean; trained?: (name: string) => boolean },
): Promise<CompiledModel> {
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  const targets = { shape: ['targets'], dtype: 'int32' } as const
  const isMasked = task === 'masked-language-modelling'
  return compileModel(engine, {
    specs: fixture.family.parameterShapes(fixture.config, task),
    weightOf: (name) => fixture.weights.get(name)?.values,
    inputs: {
      inputIds: ids,
      attentionMask: ids,
      labels: {
        'sequence-classification': { shape: ['batch'], dtype: 'int32' } as const,
        'token-classification': ids,
        'masked-language-modelling': targets,
      }[task],
      ...(fixture.family.usesTokenTypes && { tokenTypeIds: ids }),
      ...(isMasked && { maskedPositions: targets }),
    },
    compute(parameters, inputs) {
      const logits = forward(fixture, task, { parameters, inputs, training })
      const flat = tf.reshape(logits, [-1, logits.shape.at(-1)!])
      return { logits, loss: softmaxCrossEntropy(flat, tf.reshape(inputs.labels!, [-1])) }
    },
    trained,
  })
}
