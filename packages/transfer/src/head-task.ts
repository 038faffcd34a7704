import { type EncoderConfig, modelFamily } from '@tfx/core'
import { encodeDataset, modelInputs, modelInputSpecs } from './encode'
import type { TaskHead, TextInput } from './head'
import { createModel, scoreAll, type TransferModel } from './model'
import { compileForward } from './runtime'
import type { EncodedExample, TransferTask } from './task'

/** Texts in a batch of an evaluation. */
const evaluationBatch = 32

/** The task that a head of an encoder describes. */
export function headTask<Example extends TextInput, Answer, Options>(
  head: TaskHead<Example, Answer, Options>,
): TransferTask<EncodedExample<Example>, Options, EncoderConfig, TransferModel<Answer, Options>> {
  const { labelled, ...basics } = head
  return {
    ...basics,
    kind: 'encoder',
    hasTexts: true,
    check: (examples, config) => void head.targets(examples, config),
    encode: (examples, { options, ...run }) => encodeDataset(examples, { ...options, ...run }),
    collate(encoded, model) {
      const { inputs, lengths } = modelInputs(
        encoded.map(({ encoding }) => encoding),
        model,
      )
      return {
        inputs: { ...inputs, ...head.targets(examplesOf(encoded), model.config) },
        tokens: lengths.reduce((sum, length) => sum + length, 0),
      }
    },
    batchWeight: (encoded, { config, options }) =>
      head.batchWeight?.(examplesOf(encoded), config, options) ?? encoded.length,
    inputs: (config) => ({ ...modelInputSpecs(config), ...head.targetInputs(config) }),
    loss(parameters, inputs, { options, ...run }) {
      const family = modelFamily(run.config.modelType)
      const outputs = head.forward(parameters, inputs as never, { family, ...run })
      return head.loss(outputs, inputs, { ...options, config: run.config })
    },
    async evaluation(weights) {
      const program = await compileForward(head, weights)
      const options = { head, ...weights, batchSize: evaluationBatch }
      return {
        score: (encoded, { signal }) => scoreAll(program, encoded, { ...options, signal }),
        dispose: () => program.dispose(),
      }
    },
    model: (parts) => createModel({ head, ...parts }),
    ...(labelled && {
      labelled: {
        expected: labelled.expected,
        async judge(model, examples) {
          const answers = await model.predict(examples)
          return {
            labels: model.labels,
            examples: examples.map((example, index) => {
              const { text, textPair } = example
              const expected = labelled.expected(example)
              const { label, scores } = labelled.answered(answers[index]!)
              const judged = { text, expected, answered: label, probability: scores[expected]! }
              return textPair === undefined ? judged : { ...judged, textPair }
            }),
          }
        },
      },
    }),
  }
}

const examplesOf = <Example>(encoded: readonly EncodedExample<Example>[]) =>
  encoded.map(({ example }) => example)
