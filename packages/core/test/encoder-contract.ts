import { readFile } from 'node:fs/promises'
import { type Engine, type Program, softmaxCrossEntropy } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import {
  type EncoderConfig,
  type EncoderFamily,
  modelFamily,
  openSafetensors,
  readConfig,
} from '../src/index'

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
  readonly weights: ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>
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

/** Every tensor of a safetensors file. */
export async function readTensors(
  path: string,
): Promise<Map<string, { shape: readonly number[]; values: Float32Array }>> {
  const file = await openSafetensors(path)
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>()
  for (const [name, { shape }] of file.tensors) tensors.set(name, { shape, values: await file.read(name) })
  await file.close()
  return tensors
}

/** A matrix of whole numbers as a program takes it; a list is a vector. */
export function int32(rows: number[][] | number[]): HostTensor {
  const data = Int32Array.from(rows.flat())
  return {
    dtype: 'int32',
    shape: Array.isArray(rows[0]) ? [rows.length, rows[0].length] : [rows.length],
    data,
  }
}

/** The batch of a fixture, with columns of padding added; positions are moved accordingly. */
export function fixtureBatch(
  { outputs, config, family }: EncoderFixture,
  task: HeadTask,
  padding = 0,
): Record<string, HostTensor> {
  const pad = (rows: number[][], value: number) =>
    int32(rows.map((row) => [...row, ...Array<number>(padding).fill(value)]))
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
export function shapesOf({ family, config }: Pick<EncoderFixture, 'family' | 'config'>, task: HeadTask) {
  const specs = family.parameterShapes(config, task)
  return Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape]))
}

/** A task's model with its loss and gradients, compiled for batches of any size. */
export async function compileTask(
  engine: Engine,
  fixture: EncoderFixture,
  {
    task,
    training = false,
    trained = () => true,
  }: { task: HeadTask; training?: boolean; trained?: (name: string) => boolean },
) {
  const shapes = shapesOf(fixture, task)
  const store = engine.createStore(shapes, ['gradient'])
  for (const name of Object.keys(shapes)) {
    const values = fixture.weights.get(name)?.values
    if (values) store.write(name, values)
  }
  const names = Object.keys(shapes).filter(trained)
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  const targets = { shape: ['targets'], dtype: 'int32' } as const
  const isMasked = task === 'masked-language-modelling'
  const program: Program = await engine.compile(
    ({ inputs, parameters }) => {
      const logits = forward(fixture, task, { parameters, inputs, training })
      const flat = tf.reshape(logits, [-1, logits.shape.at(-1)!])
      return { logits, loss: softmaxCrossEntropy(flat, tf.reshape(inputs.labels!, [-1])) }
    },
    {
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
      parameters: store,
      gradients: { of: 'loss', withRespectTo: names },
    },
  )
  return {
    store,
    names,
    run: (batch: Record<string, HostTensor>, seed?: number) =>
      program.run(batch, seed === undefined ? {} : { seed }),
    async dispose() {
      await program.dispose()
      store.dispose()
    },
  }
}
