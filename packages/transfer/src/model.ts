import { type Program } from '@tfx/backend'
import { ArgumentError, checkSwitch } from '@tfx/common'
import type { EncoderConfig } from '@tfx/core'
import { type RowSource, textFault } from '@tfx/data'
import type { FitResult } from '@tfx/train'
import { saveTrainedAdapter } from './adapted'
import { checkOptionNames } from './check-options'
import { encodeExamples, type EncodeOptions } from './encode'
import type { TaskHead, TextInput } from './head'
import { answerStream } from './answer-stream'
import { forgetWeights, registerWeights } from './model-weights'
import { forward, type Weights } from './runtime'
import { checkSave, saveModel, type SaveOptions } from './save-model'
import type { Setting } from './settings'
import { type AdapterChoice, adaptedForwards } from './switched-adapters'
import type { EncodedExample, TrainedParts } from './task'

/** How texts are predicted. */
export interface PredictOptions extends AdapterChoice {
  /** Texts in a batch. Default 32. */
  batchSize?: number
  /** Cut texts that are longer than the model takes. Default: as in training. */
  truncation?: boolean
  signal?: AbortSignal
}

/** A fine-tuned model, ready to use. */
export interface TransferModel<Answer, Options> {
  readonly config: EncoderConfig
  /** The classes, in the order of the model's outputs. */
  readonly labels: readonly string[]
  /** What training did; absent for a model that was loaded. */
  readonly training?: FitResult
  /** Every setting of the training with where it came from. */
  readonly settings: readonly Setting[]
  /** Things worth knowing, such as weights that started at random, or columns that were guessed. */
  readonly notes: readonly string[]
  /**
   * One answer for a text, or one for each of several.
   *
   * @throws ArgumentError on what is no text, or on a text longer than the model takes (see `truncation`).
   */
  predict(input: string | TextInput, options?: PredictOptions): Promise<Answer>
  predict(inputs: readonly (string | TextInput)[], options?: PredictOptions): Promise<Answer[]>
  /**
   * Answers for a stream of any length, in its order and in constant memory: read as the answers are asked for, a batch at
   * a time. Ends the stream when the loop over the answers is left.
   *
   * @throws What `predict` throws, and AbortedError as soon as the signal fires, also while it waits for the stream.
   *
   * @example
   * ```ts
   * for await (const { label } of model.predictStream(createInterface({ input: process.stdin }))) console.log(label)
   * ```
   */
  predictStream(
    inputs: Iterable<string | TextInput> | AsyncIterable<string | TextInput>,
    options?: PredictOptions,
  ): AsyncGenerator<Answer, void, undefined>
  /**
   * Metrics on labelled data.
   *
   * @throws DataError on rows that cannot be used, or a label that the model does not have; ArgumentError on an
   *   unknown option.
   */
  evaluate(dataset: RowSource, options?: Options & PredictOptions): Promise<Record<string, number>>
  /**
   * Writes a directory that {@link load}, Python's `transformers` and Transformers.js read: config.json, the
   * tokenizer, model.safetensors, and onnx/. It appears whole or not at all. Adapters that are switched are not in it.
   *
   * @throws ArgumentError if the model reads a prompt, which cannot be merged; FileSystemError if the directory is not
   *   empty, or cannot be written.
   */
  save(directory: string, options?: SaveOptions): Promise<void>
  /**
   * Writes what an adapter has learned, with the head, as files that PEFT and {@link load} read; it was merged into the
   * weights that `save` writes.
   *
   * @throws ArgumentError if the model was not trained by an adapter, FileSystemError as `save`.
   */
  saveAdapter(directory: string, options?: Pick<SaveOptions, 'overwrite'>): Promise<void>
  /** Frees the weights. The model cannot be used afterwards. */
  dispose(): Promise<void>
}

/** What a model is made of. */
export interface ModelParts<Example extends TextInput, Answer, Options> extends TrainedParts<EncoderConfig> {
  readonly head: TaskHead<Example, Answer, Options>
}

/** Puts a model together. */
export async function createModel<Example extends TextInput, Answer, Options>(
  parts: ModelParts<Example, Answer, Options>,
): Promise<TransferModel<Answer, Options>> {
  const { head, weights, settings, notes, training, maxLength } = parts
  const { config, tokenizer, store } = weights
  const forwards = adaptedForwards(head, weights, parts.adapters)
  if (parts.adapters === undefined) await forwards.of(undefined, 'load')
  const encode = <T extends TextInput>(
    examples: readonly T[],
    {
      truncation = parts.truncation,
      ...options
    }: Pick<EncodeOptions, 'caller' | 'virtualTokens'> & PredictOptions,
  ) => {
    checkSwitch(truncation, { caller: options.caller, argument: 'truncation' })
    return encodeExamples(examples, { ...options, tokenizer, maxLength, truncation })
  }

  async function predict(input: string | TextInput, options?: PredictOptions): Promise<Answer>
  async function predict(inputs: readonly (string | TextInput)[], options?: PredictOptions): Promise<Answer[]>
  async function predict(
    inputs: string | TextInput | readonly (string | TextInput)[],
    options: PredictOptions = {},
  ): Promise<Answer | Answer[]> {
    checkOptionNames(options, predictOptionNames, { caller: 'predict' })
    if (isList(inputs)) return answer(inputs, options)
    const [only] = await predictAll([checkInput(inputs, 'input')], options)
    return only!
  }
  const answer = (inputs: readonly (string | TextInput)[], options: PredictOptions, firstIndex = 0) =>
    predictAll(
      inputs.map((input, index) => checkInput(input, `inputs[${firstIndex + index}]`)),
      options,
    )
  async function predictAll(list: readonly TextInput[], options: PredictOptions): Promise<Answer[]> {
    const { batchSize = 32, signal } = options
    const { program, virtualTokens, ...used } = await forwards.of(options.adapter, 'predict')
    const encoded = encode(list, { ...options, virtualTokens, caller: 'predict' })
    return answerAll(program, encoded, { head, ...used, tokenizer, batchSize, signal })
  }

  const model: TransferModel<Answer, Options> = {
    config,
    labels: config.labels,
    settings,
    notes,
    ...(training && { training }),
    predict,
    async *predictStream(inputs, options = {}) {
      checkOptionNames(options, predictOptionNames, { caller: 'predictStream' })
      const { batchSize = 32, signal } = options
      yield* answerStream(inputs, {
        batchSize,
        signal,
        answer: (batch, { firstIndex }) => answer(batch, options, firstIndex),
      })
    },
    async evaluate(dataset, options) {
      checkOptionNames(options ?? {}, [...predictOptionNames, ...head.options], { caller: 'evaluate' })
      const { batchSize = 32, signal } = options ?? {}
      const { program, virtualTokens, ...used } = await forwards.of(options?.adapter, 'evaluate')
      const { examples } = await head.read(dataset, { ...(options as Options), signal })
      // A label that the model does not have is found before anything is computed.
      head.targets(examples, used.config)
      const encoded = encode(examples, { ...options, virtualTokens, caller: 'evaluate' })
      return scoreAll(program, encoded, { head, ...used, tokenizer, batchSize, signal })
    },
    async save(directory, options) {
      await saveModel(weights, directory, { ...checkSave(directory, options), task: head.task })
    },
    async saveAdapter(directory, options = {}) {
      checkOptionNames(options, ['overwrite'], { caller: 'saveAdapter' })
      await saveTrainedAdapter(parts.trainedAdapter, directory, options)
    },
    async dispose() {
      forgetWeights(model)
      await forwards.dispose()
      store.dispose()
    },
  }
  registerWeights(model, weights)
  return model
}

type RunOptions<Example extends TextInput, Answer, Options> = Pick<
  Weights<EncoderConfig>,
  'config' | 'tokenizer'
> & {
  head: TaskHead<Example, Answer, Options>
  batchSize: number
  signal?: AbortSignal | undefined
}

async function answerAll<Example extends TextInput, Answer, Options>(
  program: Pick<Program, 'run'>,
  encoded: readonly EncodedExample<TextInput>[],
  options: RunOptions<Example, Answer, Options>,
): Promise<Answer[]> {
  const { head, config, tokenizer } = options
  const answers: Answer[] = []
  for await (const { indices, outputs } of forward(program, encoded, options)) {
    indices.forEach((index, row) => {
      const rows = Object.entries(outputs).map(([name, { data, shape }]) => {
        const width = data.length / shape[0]!
        return [name, (data as Float32Array).subarray(row * width, (row + 1) * width)]
      })
      const { example: input, encoding } = encoded[index]!
      const text = { input, tokenizer, encoding }
      answers[index] = head.answer(Object.fromEntries(rows) as Record<string, Float32Array>, config, text)
    })
  }
  return answers
}

/** Metrics of a model on encoded examples. */
export async function scoreAll<Example extends TextInput, Answer, Options>(
  program: Pick<Program, 'run'>,
  encoded: readonly EncodedExample<Example>[],
  options: RunOptions<Example, Answer, Options>,
): Promise<Record<string, number>> {
  const { head, config, tokenizer } = options
  const score = head.score(config)
  for await (const { examples, encodings, outputs } of forward(program, encoded, options))
    score.add(examples, outputs, { tokenizer, encodings })
  return score.result()
}

const predictOptionNames = Object.keys({
  batchSize: true,
  truncation: true,
  adapter: true,
  signal: true,
} satisfies Record<keyof PredictOptions, true>)

function isList(
  inputs: string | TextInput | readonly (string | TextInput)[],
): inputs is readonly (string | TextInput)[] {
  return Array.isArray(inputs)
}

/** @throws ArgumentError */
function checkInput(input: unknown, argument: string): TextInput {
  const checked = readInput(input, argument)
  for (const [name, text] of Object.entries(checked)) {
    const fault = textFault(text)
    const place = typeof input === 'string' ? argument : `${argument}.${name}`
    if (fault) throw new ArgumentError({ function: 'predict', argument: place, ...fault })
  }
  return checked
}

function readInput(input: unknown, argument: string): TextInput {
  if (typeof input === 'string') return { text: input }
  const { text, textPair } = (input ?? {}) as Partial<Record<'text' | 'textPair', unknown>>
  if (typeof text === 'string' && textPair === undefined) return { text }
  if (typeof text === 'string' && typeof textPair === 'string') return { text, textPair }
  throw new ArgumentError({
    function: 'predict',
    argument,
    expected: 'a string, or { text, textPair } of strings',
    received: input === null ? 'null' : typeof input,
    remedy: 'Convert it to a string first.',
  })
}
