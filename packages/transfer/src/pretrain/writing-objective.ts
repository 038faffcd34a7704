import { collate, padRows } from '@tfx/data'
import type { TrainingBatch } from '@tfx/train'
import { isEncoderDecoder, writingInputs, writingLoss } from '../writing/loss'
import type { WritingModelConfig } from '../writing/writing-head'
import type { Objective } from './objective'

/** What is read and what is to be written for it; a decoder is given the same text as both. */
export interface WritingExample {
  readonly inputIds: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

/** What all models that write learn alike: the tokens of the labels. */
export const writingObjective = (
  config: WritingModelConfig,
): Pick<Objective, 'task' | 'inputs' | 'step'> => ({
  task: isEncoderDecoder(config) ? 'sequence-to-sequence' : 'causal-language-modelling',
  inputs: () => writingInputs(config),
  step:
    (training) =>
    ({ inputs, parameters }) => ({
      loss: writingLoss(parameters, inputs, { config, training, labelSmoothing: 0 }),
    }),
})

/** One batch; a decoder is not to foretell the first token of a text. */
export function writingBatch(
  examples: readonly WritingExample[],
  { padTokenId, isDecoder }: { padTokenId: number; isDecoder: boolean },
): TrainingBatch {
  const { inputIds, attentionMask, lengths } = collate(
    examples.map((example) => ({ inputIds: example.inputIds })),
    { padTokenId },
  )
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const written = examples.map(({ labels }) => labels)
  const targets = sum(written.map(({ length }) => length))
  return {
    inputs: { inputIds, attentionMask, labels: padRows(written, { fill: -100 }) },
    examples: examples.length,
    tokens: sum(lengths) + (isDecoder ? 0 : targets),
    weight: isDecoder ? targets - examples.length : targets,
  }
}
