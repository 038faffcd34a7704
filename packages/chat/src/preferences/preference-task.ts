import { getEngine, type Program } from '@tfx/backend'
import { type HostTensor, throwIfAborted } from '@tfx/common'
import type { DecoderConfig, Tokenizer } from '@tfx/core'
import { batches, padRows, split } from '@tfx/data'
import { type TrainedParts, type TransferTask, type WritingHead, writingTask } from '@tfx/transfer'
import type { ChatExample } from '../dialogues/chat-example'
import { chatOptionNames, type ChatOptions, checkChatOptions } from '../tuning/chat-options'
import { ignored } from '../tuning/pack'
import type { TunedChatModel } from '../tuning/tuned-model'
import { withTemplate } from '../tuning/with-template'
import { encodePreferences, type PreferenceEncoding } from './encode-preferences'
import { answerLikelihoods, likelihoodInputs, preferenceInputs, preferenceLoss } from './preference-loss'
import { readPreferences } from './read-preferences'

type Weights = TrainedParts<DecoderConfig>['weights']

/** Pairs in a batch of an evaluation. */
const evaluationBatch = 8

const defaultBeta = 0.1

/**
 * Learns which of two answers is better by direct preference optimization, as TRL's DPOTrainer with its sigmoid loss. How likely
 * the base finds the answers is computed once, before the first step.
 *
 * @param head What becomes of the trained model.
 */
export function preferenceTask(
  head: WritingHead<ChatExample, ChatOptions, DecoderConfig, TunedChatModel>,
): TransferTask<PreferenceEncoding, ChatOptions, DecoderConfig, TunedChatModel> {
  const { name, thread } = head
  return {
    name,
    kind: 'decoder',
    ...(thread && { thread }),
    task: 'causal-language-modelling',
    options: chatOptionNames,
    // TRL's rate.
    defaults: { learningRate: 1e-6 },
    best: { metric: 'loss', mode: 'min' },
    hasTexts: false,
    read: (dataset, { systemPrompt, signal }) =>
      readPreferences(dataset, { systemPrompt, signal, caller: 'transfer' }),
    split,
    tokenizer: (given, _, { chatTemplate }) => withTemplate(given, chatTemplate),
    configure(config, _, options) {
      checkChatOptions(options)
      return config
    },
    encode: encodePreferences,
    async prepare(encoded, { weights, signal }) {
      if (encoded.length === 0) return []
      const program = await compileLikelihoods(weights)
      try {
        return await withReferences(program, encoded, { weights, signal })
      } finally {
        await program.dispose()
      }
    },
    lengthOf: ({ chosen, rejected }) => Math.max(chosen.inputIds.length, rejected.inputIds.length),
    collate: collatePreferences,
    batchWeight: (encoded) => encoded.length,
    inputs: () => preferenceInputs,
    loss: (parameters, inputs, { options: { beta = defaultBeta }, ...run }) =>
      preferenceLoss(parameters, inputs, { beta, ...run }),
    async evaluation(weights, { beta = defaultBeta }) {
      const program = await compileLikelihoods(weights)
      return {
        score: (encoded, { signal }) => scorePreferences(program, encoded, { weights, signal, beta }),
        dispose: () => program.dispose(),
      }
    },
    model: (parts) => writingTask(head).model(parts),
  }
}

async function compileLikelihoods({ config, store }: Weights): Promise<Program> {
  const engine = await getEngine()
  return engine.compile(
    ({ inputs, parameters }) => answerLikelihoods(parameters, inputs, { config, training: false }),
    { inputs: likelihoodInputs, parameters: store },
  )
}

interface Likelihoods {
  readonly chosen: number
  readonly rejected: number
}

/** How likely a model finds the answers of some pairs, in their order. */
async function likelihoodsOf(
  program: Program,
  encoded: readonly PreferenceEncoding[],
  { weights, signal }: { weights: Weights; signal?: AbortSignal | undefined },
): Promise<Likelihoods[]> {
  const results: Likelihoods[] = []
  const lengthOf = ({ chosen, rejected }: PreferenceEncoding) =>
    Math.max(chosen.inputIds.length, rejected.inputIds.length)
  for (const indices of batches(encoded, { batchSize: evaluationBatch, shuffle: false, lengthOf })) {
    throwIfAborted(signal, 'evaluate')
    const { inputs } = collatePreferences(
      indices.map((index) => encoded[index]!),
      weights,
    )
    const asked = Object.fromEntries(Object.keys(likelihoodInputs).map((name) => [name, inputs[name]!]))
    const { chosen, rejected } = await program.run(asked)
    indices.forEach((index, row) => {
      results[index] = { chosen: chosen!.data[row]!, rejected: rejected!.data[row]! }
    })
  }
  return results
}

async function withReferences(
  program: Program,
  encoded: readonly PreferenceEncoding[],
  run: { weights: Weights; signal?: AbortSignal | undefined },
): Promise<PreferenceEncoding[]> {
  const references = await likelihoodsOf(program, encoded, run)
  return encoded.map((pair, index) => ({ ...pair, reference: references[index]! }))
}

/** TRL's metrics: rewards are β times what was gained on the base. */
async function scorePreferences(
  program: Program,
  encoded: readonly PreferenceEncoding[],
  { beta, ...run }: { weights: Weights; beta: number; signal?: AbortSignal | undefined },
): Promise<Record<string, number>> {
  const likelihoods = await likelihoodsOf(program, encoded, run)
  const rewards = likelihoods.map(({ chosen, rejected }, index) => {
    const reference = encoded[index]!.reference!
    return { chosen: beta * (chosen - reference.chosen), rejected: beta * (rejected - reference.rejected) }
  })
  const mean = (of: (reward: Likelihoods) => number) =>
    rewards.reduce((sum, reward) => sum + of(reward), 0) / rewards.length
  return {
    loss: mean(({ chosen, rejected }) => Math.log1p(Math.exp(rejected - chosen))),
    rewardMargin: mean(({ chosen, rejected }) => chosen - rejected),
    rewardAccuracy: mean(({ chosen, rejected }) => Number(chosen > rejected)),
    chosenReward: mean(({ chosen }) => chosen),
    rejectedReward: mean(({ rejected }) => rejected),
  }
}

/** Both answers of each pair, padded to one length. */
function collatePreferences(
  encoded: readonly PreferenceEncoding[],
  { tokenizer: { padTokenId } }: { tokenizer: Pick<Tokenizer, 'padTokenId'> },
): { inputs: Record<string, HostTensor>; tokens: number } {
  const both = encoded.flatMap(({ chosen, rejected }) => [chosen, rejected])
  const width = Math.max(...both.map(({ inputIds }) => inputIds.length))
  const shape = [encoded.length, width] as const
  const inputs: Record<string, HostTensor> = {}
  for (const answer of ['chosen', 'rejected'] as const) {
    const rows = encoded.map((pair) => pair[answer])
    const ones = rows.map(({ inputIds }) => inputIds.map(() => 1))
    inputs[`${answer}Ids`] = padRows(
      rows.map(({ inputIds }) => inputIds),
      { shape, fill: padTokenId },
    )
    inputs[`${answer}Mask`] = padRows(ones, { shape, fill: 0 })
    inputs[`${answer}Labels`] = padRows(
      rows.map(({ labels }) => labels),
      { shape, fill: ignored },
    )
    inputs[`${answer}Reference`] = {
      dtype: 'float32',
      shape: [encoded.length],
      data: Float32Array.from(encoded, ({ reference }) => reference?.[answer] ?? 0),
    }
  }
  return { inputs, tokens: both.reduce((sum, { inputIds }) => sum + inputIds.length, 0) }
}
