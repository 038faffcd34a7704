import { readFile } from 'node:fs/promises'
import { type Engine, softmaxCrossEntropy } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import {
  type GenerateOptions,
  modelFamily,
  readConfig,
  type SequenceToSequenceConfig,
  type SequenceToSequenceFamily,
} from '../src/index'
import {
  compileModel,
  type CompiledModel,
  padded,
  readTensors,
  shapesOfSpecs,
  type Weights,
} from './model-contract'

/** What `fixtures/core/sequence-to-sequence/make_sequence_to_sequence.py` wrote about a family. */
export interface SequenceReference {
  inputIds: number[][]
  attentionMask: number[][]
  labels: number[][]
  decoderInputIds: number[][]
  logits: number[][][]
  loss: number
  startToken: number
  forcedEndToken: number | null
  greedy: number[][]
  beams: number[][]
  beamScores: number[]
}

/** A family's fixture: a configuration, weights, and what Hugging Face computes. */
export interface SequenceFixture {
  readonly directory: string
  readonly config: SequenceToSequenceConfig
  readonly family: SequenceToSequenceFamily
  readonly weights: Weights
  readonly outputs: SequenceReference
}

const task = 'sequence-to-sequence'

/** @param name A folder of `fixtures/core/sequence-to-sequence`. */
export async function loadSequenceFixture(name: string): Promise<SequenceFixture> {
  const directory = fixturePath(`core/sequence-to-sequence/${name}`)
  const config = readConfig(JSON.parse(await readFile(`${directory}/config.json`, 'utf8')), {
    kind: 'encoder-decoder',
  })
  const outputs = loadFixture<SequenceReference>(`core/sequence-to-sequence/${name}/outputs`)
  const weights = await readTensors(`${directory}/model.safetensors`)
  return { directory, config, family: modelFamily(config.modelType), weights, outputs }
}

/** The batch of a fixture with columns of padding added to both sides. */
export function sequenceBatch({ outputs, config }: SequenceFixture, padding = 0): Record<string, HostTensor> {
  const pad = (rows: number[][], value: number) => padded(rows, padding, value)
  return {
    inputIds: pad(outputs.inputIds, config.padTokenId),
    attentionMask: pad(outputs.attentionMask, 0),
    labels: pad(outputs.labels, -100),
  }
}

/** The scores of every decoder token on tensors, eagerly or traced: float32 [batch, target, vocabulary]. */
export function sequenceForward(
  { family, config }: Pick<SequenceFixture, 'family' | 'config'>,
  parameters: Readonly<Record<string, tf.Tensor>>,
  { inputs, training = false }: { inputs: Readonly<Record<string, tf.Tensor>>; training?: boolean },
): tf.Tensor {
  const run = { config, training }
  const attentionMask = inputs.attentionMask!
  const encoderHidden = family.encoder(parameters, inputs as never, run)
  const cross = family.crossKeyValues(parameters, encoderHidden, run)
  const inputIds = family.decoderInputs(inputs.labels!, config)
  const { hidden } = family.decoder(parameters, { inputIds, encoderAttentionMask: attentionMask, cross }, run)
  const [batch, target, size] = hidden.shape as [number, number, number]
  const scores = family.languageModelHead(parameters, tf.reshape(hidden, [batch * target, size]), run)
  return tf.reshape(scores, [batch, target, config.vocabSize])
}

/** The names of the parameters with their shapes. */
export const sequenceShapes = ({ family, config }: Pick<SequenceFixture, 'family' | 'config'>) =>
  shapesOfSpecs(family.parameterShapes(config, task))

/** A model with its loss and gradients, compiled for batches of any size. */
export function compileSequence(
  engine: Engine,
  fixture: SequenceFixture,
  { training = false, trained }: { training?: boolean; trained?: (name: string) => boolean } = {},
): Promise<CompiledModel> {
  const source = { shape: ['batch', 'source'], dtype: 'int32' } as const
  return compileModel(engine, {
    specs: fixture.family.parameterShapes(fixture.config, task),
    weightOf: (name) => fixture.weights.get(name)?.values,
    inputs: {
      inputIds: source,
      attentionMask: source,
      labels: { shape: ['batch', 'target'], dtype: 'int32' },
    },
    compute(parameters, inputs) {
      const logits = sequenceForward(fixture, parameters, { inputs, training })
      const rows = tf.reshape(logits, [-1, logits.shape[2]!])
      return { logits, loss: softmaxCrossEntropy(rows, tf.reshape(inputs.labels!, [-1])) }
    },
    trained,
  })
}

/** The texts of a fixture without their padding, and how Hugging Face was told to write for them. */
export function sequenceWriting({ config, outputs }: SequenceFixture): {
  texts: number[][]
  settings: GenerateOptions
} {
  const { inputIds, attentionMask, startToken, forcedEndToken } = outputs
  return {
    texts: inputIds.map((row, index) =>
      row.slice(
        0,
        attentionMask[index]!.reduce((sum, one) => sum + one),
      ),
    ),
    settings: {
      maxNewTokens: 9,
      eosTokenIds: config.eosTokenIds,
      padTokenId: config.padTokenId,
      decoderStartTokenId: startToken,
      forcedEosTokenId: forcedEndToken === null ? undefined : [forcedEndToken],
    },
  }
}
