import { getEngine, type Program } from '@tfx/backend'
import { ArgumentError, throwIfAborted } from '@tfx/common'
import { compileForFurther, type StepProgram } from '@tfx/core'
import { batches, collate, padRows } from '@tfx/data'
import { behindPrompt, roomForText, withInFront } from '../encode'
import { forgetWeights, registerWeights } from '../model-weights'
import { inferenceOptions, type Weights } from '../runtime'
import type { EncodeTaskOptions, TrainedParts, TransferTask } from '../task'
import { noisyInputs } from '../training-loss'
import { createLanguageModel, type WritingScore } from './language-model'
import { writingInputs, writingLoss } from './loss'
import type { WritingEncoding, WritingHead, WritingModelConfig, WritingOptions } from './writing-head'

/** Examples in a batch of an evaluation. */
const evaluationBatch = 16

/** What nothing is to be learned from. */
const ignored = -100

/** The task that a head of a model that writes describes. */
export function writingTask<
  Example,
  Options extends WritingOptions,
  Config extends WritingModelConfig,
  Model extends object,
>(
  head: WritingHead<Example, Options, Config, Model>,
): TransferTask<WritingEncoding<Example>, Options, Config, Model> {
  const task: Omit<TransferTask<WritingEncoding<Example>, Options, Config, Model>, 'model' | 'evaluation'> = {
    ...head,
    encode: (examples, options) => encodeBehindPrompt(head, examples, options),
    readsPrompts: true,
    options: [
      ...head.options,
      'labelSmoothing',
      ...(head.scoreWriting ? (['evaluateWriting'] as const) : []),
    ],
    task: head.kind === 'decoder' ? 'causal-language-modelling' : 'sequence-to-sequence',
    best: { metric: 'loss', mode: 'min' },
    configure(config, examples, options) {
      checkLabelSmoothing(options.labelSmoothing)
      checkEvaluateWriting(options.evaluateWriting)
      return head.configure(config, examples, options)
    },
    // Sources of one length with targets of one length: little is padding on either side.
    lengthOf: ({ encoding, labels }) =>
      head.kind === 'decoder' ? encoding.inputIds.length : encoding.inputIds.length + labels.length,
    collate(encoded, { tokenizer: { padTokenId } }) {
      const { inputIds, attentionMask, lengths } = collate(
        encoded.map(({ encoding }) => encoding),
        { padTokenId },
      )
      const labels = padRows(
        encoded.map((example) => example.labels),
        { fill: ignored },
      )
      return {
        inputs: { inputIds, attentionMask, labels },
        tokens: lengths.reduce((sum, length) => sum + length, 0),
      }
    },
    batchWeight: (encoded) =>
      encoded.reduce((sum, { labels }) => sum + targetsOf(labels, head.kind === 'decoder'), 0),
    inputs: writingInputs,
    regularizes: ['neftuneAlpha'],
    loss: (parameters, inputs, { options: { labelSmoothing = 0 }, regularization, ...run }) =>
      writingLoss(parameters, noisyInputs(inputs, regularization), { ...run, labelSmoothing }),
  }
  const measure = async (
    program: StepProgram,
    encoded: readonly WritingEncoding<Example>[],
    { signal, ...weights }: Weights<Config> & { signal?: AbortSignal | undefined },
  ): Promise<WritingScore> => {
    let [total, targets] = [0, 0]
    const options = { batchSize: evaluationBatch, shuffle: false, lengthOf: task.lengthOf! }
    for (const indices of batches(encoded, options)) {
      throwIfAborted(signal, 'evaluate')
      const chosen = indices.map((index) => encoded[index]!)
      const weight = task.batchWeight(chosen, { ...weights, options: {} as Options })
      if (weight === 0) continue
      const { loss } = await program.run(task.collate(chosen, weights).inputs)
      total += loss!.data[0]! * weight
      targets += weight
    }
    return { loss: total / targets, perplexity: Math.exp(total / targets) }
  }
  const languageModelOf = (
    { weights: { generation = {}, ...others }, ...parts }: TrainedParts<Config>,
    onDispose: () => void,
  ) => {
    const { config, tokenizer } = others
    const weights = { ...others, generation: head.generation?.(generation, config, tokenizer) ?? generation }
    return createLanguageModel<Example, Options, Config>(
      { weights, ...parts },
      {
        compile: (shapes) => compileLoss(weights, shapes),
        async measure({ program, virtualTokens }, examples, { truncation, signal, ...options }) {
          const run = { tokenizer, config, maxLength: parts.maxLength, truncation, caller: 'evaluate' }
          const own = { ...run, virtualTokens, options: options as unknown as Options }
          const encoded = await encodeBehindPrompt(head, examples, own)
          return measure(program, encoded, { ...weights, signal })
        },
        onDispose,
      },
    )
  }
  return {
    ...task,
    async evaluation(weights, { evaluateWriting = false }, { maxLength }) {
      const program = await compileLoss(weights)
      const count = evaluateWriting === true ? Infinity : Number(evaluateWriting)
      /** By a model of the weights as they are now: it keeps a copy of them, which the next evaluation must not see. */
      const scoreWriting = async (encoded: readonly WritingEncoding<Example>[], signal?: AbortSignal) => {
        const store = { ...weights.store, dispose: () => undefined }
        const parts = { weights: { ...weights, store }, maxLength, truncation: true, settings: [], notes: [] }
        const model = await languageModelOf(parts, () => undefined)
        try {
          const examples = encoded.slice(0, count).map(({ example }) => example)
          return await head.scoreWriting!(model, examples, { signal })
        } finally {
          await model.dispose()
        }
      }
      return {
        score: async (encoded, { signal }) => ({
          ...(await measure(program, encoded, { ...weights, signal })),
          ...(count > 0 && (await scoreWriting(encoded, signal))),
        }),
        dispose: () => program.dispose(),
      }
    },
    async model(parts) {
      const languageModel = await languageModelOf(parts, () => forgetWeights(model))
      const model = head.model(languageModel)
      registerWeights(model, { ...parts.weights, generation: languageModel.generation })
      return model
    },
  }
}

/** The tokens of examples behind the places of a prompt, which the head knows nothing of: a decoder learns none of them. */
async function encodeBehindPrompt<
  Example,
  Options extends WritingOptions,
  Config extends WritingModelConfig,
  Model extends object,
>(
  head: Pick<WritingHead<Example, Options, Config, Model>, 'encode' | 'kind'>,
  examples: readonly Example[],
  { virtualTokens: count = 0, ...options }: EncodeTaskOptions<Options, Config>,
): Promise<WritingEncoding<Example>[]> {
  const maxLength = roomForText({ ...options, virtualTokens: count })
  const encoded = await head.encode(examples, { ...options, maxLength })
  if (count === 0) return encoded
  return encoded.map(({ encoding, labels, ...others }) => ({
    ...others,
    encoding: behindPrompt(encoding, { ...options, virtualTokens: count }),
    labels: head.kind === 'decoder' ? withInFront(labels, { count, value: ignored }) : labels,
  }))
}

/** @param shapes Of parameters that come with every run. Default: none. */
async function compileLoss(
  weights: Weights<WritingModelConfig>,
  shapes: Readonly<Record<string, readonly number[]>> = {},
): Promise<Program> {
  const { config } = weights
  const run = { config, training: false, labelSmoothing: 0 }
  return compileForFurther(
    await getEngine(),
    {
      step: ({ inputs, parameters }) => ({ loss: writingLoss(parameters, inputs, run) }),
      inputs: writingInputs(config),
      ...inferenceOptions(weights, shapes),
    },
    shapes,
  )
}

/** How many labels something is learned from; a decoder's first is foretold by nothing. */
function targetsOf(labels: ArrayLike<number>, isShifted: boolean): number {
  let count = 0
  for (let index = isShifted ? 1 : 0; index < labels.length; index++) if (labels[index] !== ignored) count++
  return count
}

/** @throws ArgumentError */
function checkLabelSmoothing(labelSmoothing = 0): void {
  if (labelSmoothing >= 0 && labelSmoothing < 1) return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'labelSmoothing',
    expected: 'a number of at least 0 and below 1',
    received: String(labelSmoothing),
    remedy: 'Leave it out to use the default.',
  })
}

/** @throws ArgumentError */
function checkEvaluateWriting(value: unknown = false): void {
  if (typeof value === 'boolean' || (Number.isInteger(value) && Number(value) > 0)) return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'evaluateWriting',
    expected: 'true, false, or how many examples to write for',
    received: String(value),
    remedy: 'Leave it out to evaluate by the loss alone.',
  })
}
