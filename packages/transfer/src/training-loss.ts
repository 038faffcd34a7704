import type { InputSpec, NamedTensors } from '@tfx/backend'
import { ArgumentError, createRandom, mixSeed } from '@tfx/common'
import { tf } from '@tfx/compiler'
import type { ChangeWords } from '@tfx/core'
import {
  mixedLoss,
  mixedMask,
  type MixupTensors,
  mixupPlan,
  mixWords,
  noisyEmbeddings,
  rDropLoss,
  type TrainingBatch,
} from '@tfx/train'
import type { ResolvedSettings } from './settings'

/** What is done to the inputs and the loss of a training step; 0 for nothing. */
export type LossRegularization = Pick<ResolvedSettings, 'neftuneAlpha' | 'rDrop' | 'mixup'>

/** The inputs of a step, with what is to be done with the embeddings of their words as `changeWords`. */
export type ModelInputs = Readonly<Record<string, tf.Tensor | ChangeWords>>

/** A task's own part of a training step. */
export interface TrainingPass {
  /** The outputs of the model while training. */
  readonly forward: (inputs: ModelInputs) => NamedTensors
  /** The scalar loss of outputs. */
  readonly loss: (outputs: NamedTensors, inputs: NamedTensors) => tf.Tensor
  /** The names of the targets among the inputs. */
  readonly targets: readonly string[]
}

const mixupOrder = 'mixup:order'
const mixupShare = 'mixup:share'

/** What a step needs to be told of each batch beside the task's inputs. */
export function lossInputSpecs({ mixup }: LossRegularization): Record<string, InputSpec> {
  if (mixup === 0) return {}
  return { [mixupOrder]: { shape: ['batch'], dtype: 'int32' }, [mixupShare]: { shape: [] } }
}

/** The batches of an epoch with those inputs; they follow from the seed and the batch's place in the run. */
export async function* withLossInputs(
  batches: AsyncIterable<TrainingBatch>,
  { mixup: alpha, seed }: Pick<ResolvedSettings, 'mixup' | 'seed'>,
  epoch: number,
): AsyncGenerator<TrainingBatch> {
  let index = 0
  for await (const batch of batches) {
    const random = createRandom(mixSeed(mixSeed(mixSeed(seed, 3), epoch), index++))
    if (alpha === 0) yield batch
    else {
      const { order, share } = mixupPlan({ batch: batch.examples, alpha }, random)
      yield { ...batch, inputs: { ...batch.inputs, [mixupOrder]: order, [mixupShare]: share } }
    }
  }
}

/** @throws ArgumentError if a task is to be regularized in a way that it cannot be. */
export function checkRegularization(
  { name, regularizes = [] }: { name: string; regularizes?: readonly (keyof LossRegularization)[] },
  options: Partial<LossRegularization>,
): void {
  for (const option of ['neftuneAlpha', 'rDrop', 'mixup'] as const) {
    if ((options[option] ?? 0) === 0 || regularizes.includes(option)) continue
    throw new ArgumentError({
      function: 'transfer',
      argument: option,
      expected: `left out for '${name}', which cannot learn by it`,
      received: String(options[option]),
      remedy: 'Use dropout or stochasticDepth instead.',
    })
  }
}

/** The inputs of a model with NEFTune's noise on their words, where that is asked for. */
export function noisyInputs(
  inputs: NamedTensors,
  { neftuneAlpha: alpha }: Pick<LossRegularization, 'neftuneAlpha'>,
): ModelInputs {
  return alpha === 0 ? inputs : { ...inputs, changeWords: (words) => noisyEmbeddings(words, { alpha }) }
}

/** The loss of a training step, with the noise, the mixing and the second pass that are asked for. */
export function trainingLoss(
  { forward, loss, targets }: TrainingPass,
  inputs: NamedTensors,
  regularization: LossRegularization,
): tf.Tensor {
  const { rDrop, mixup } = regularization
  const plan = { order: inputs[mixupOrder], share: inputs[mixupShare] } as MixupTensors
  const noisy = noisyInputs(inputs, regularization)
  const read = mixup === 0 ? noisy : mixedInputs(noisy, plan)
  const own = Object.fromEntries(targets.map((name) => [name, inputs[name] as tf.Tensor]))
  const pass = () => {
    const outputs = forward(read)
    const lossFor = (wanted: NamedTensors) => loss(outputs, { ...inputs, ...wanted })
    return { outputs, loss: mixup === 0 ? lossFor(own) : mixedLoss(lossFor, own, plan) }
  }
  const first = pass()
  if (rDrop === 0) return first.loss
  const second = pass()
  const logits = [scoresOf(first.outputs), scoresOf(second.outputs)] as const
  // One row for each text, or one for each token.
  const weights = logits[0].rank === 3 ? tf.cast(read.attentionMask as tf.Tensor, 'float32') : undefined
  return rDropLoss({ losses: [first.loss, second.loss], logits, weights }, rDrop)
}

function mixedInputs(inputs: ModelInputs, plan: MixupTensors): ModelInputs {
  const attentionMask = inputs.attentionMask as tf.Tensor
  const changeWords = (inputs.changeWords ?? ((words) => words)) as ChangeWords
  return {
    ...inputs,
    attentionMask: mixedMask(attentionMask, plan),
    changeWords: (words) => mixWords(changeWords(words), { ...plan, attentionMask }),
  }
}

/** @throws ArgumentError if the task has no scores of classes to compare. */
function scoresOf({ logits }: NamedTensors): tf.Tensor {
  if (logits !== undefined && logits.rank >= 2) return logits
  throw new ArgumentError({
    function: 'transfer',
    argument: 'rDrop',
    expected: 'left out for a task whose outputs have no logits',
    received: 'given',
    remedy: 'Use it for classification.',
  })
}
