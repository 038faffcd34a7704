import type { NamedTensors, Program } from '@tfx/backend'
import { type EncoderConfig, modelFamily, withPrompt } from '@tfx/core'
import { encodeDataset, modelInputs, modelInputSpecs } from './encode'
import type { TaskHead, TextInput } from './head'
import { createModel, scoreAll, type TransferModel } from './model'
import { compileForward, forward } from './runtime'
import type { EncodedExample, TransferTask } from './task'
import { trainingLoss } from './training-loss'

/** Texts in a batch of an evaluation. */
const evaluationBatch = 32

/** The task that a head of an encoder describes. */
export function headTask<Example extends TextInput, Answer, Options>(
  head: TaskHead<Example, Answer, Options>,
): TransferTask<EncodedExample<Example>, Options, EncoderConfig, TransferModel<Answer, Options>> {
  const { labelled, finish, ...basics } = head
  return {
    ...basics,
    kind: 'encoder',
    hasTexts: true,
    // What answers token by token would answer for the prompt too.
    readsPrompts: head.task === 'sequence-classification',
    regularizes: ['neftuneAlpha', 'rDrop', 'mixup'],
    check: (examples, config) => void head.targets(examples, config),
    encode: (examples, { options, ...run }) => encodeDataset(examples, { ...options, ...run }),
    collate(encoded, model) {
      const encodings = encoded.map(({ encoding }) => encoding)
      const { inputs, lengths } = modelInputs(encodings, model)
      const tokens = { tokenizer: model.tokenizer, encodings }
      return {
        inputs: { ...inputs, ...head.targets(examplesOf(encoded), model.config, tokens) },
        tokens: lengths.reduce((sum, length) => sum + length, 0),
      }
    },
    batchWeight: (encoded, { config, options }) =>
      head.batchWeight?.(examplesOf(encoded), config, options) ?? encoded.length,
    inputs: (config) => ({ ...modelInputSpecs(config), ...head.targetInputs(config) }),
    loss(parameters, inputs, { options, regularization, ...run }) {
      const family = modelFamily(run.config.modelType)
      const pass = {
        forward: (own: object) =>
          head.forward(parameters, withPrompt(parameters, own) as never, { family, ...run }),
        loss: (outputs: NamedTensors, own: NamedTensors) =>
          head.loss(outputs, own, { ...options, config: run.config }),
        targets: Object.keys(head.targetInputs(run.config)),
      }
      return trainingLoss(pass, inputs, regularization)
    },
    async evaluation(weights) {
      const program = await compileForward(head, weights)
      const options = { head, ...weights, batchSize: evaluationBatch }
      return {
        score: (encoded, { signal }) => scoreAll(program, encoded, { ...options, signal }),
        dispose: () => program.dispose(),
      }
    },
    ...(finish && {
      async finish(weights, data, options) {
        const { config, store } = weights
        let program = undefined as Program | undefined
        async function* outputs(part: 'training' | 'validation') {
          program ??= await compileForward(head, weights)
          yield* forward(program, data[part], { ...weights, batchSize: evaluationBatch })
        }
        try {
          return await finish(
            {
              config,
              outputs,
              read: (name) => store.read(name),
              write: (name, values) => store.write(name, values),
            },
            options,
          )
        } finally {
          await program?.dispose()
        }
      },
    }),
    model: (parts) => createModel({ head, ...parts }),
    ...(labelled && {
      labelled: {
        expected: (example) => labelled.expected(example),
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
