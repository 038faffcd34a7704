import { type Program } from '@tfx/backend'
import { ArgumentError } from '@tfx/common'
import { type EncoderConfig, exportClassifier, type OnnxPrecision, saveCheckpoint } from '@tfx/core'
import type { RowSource } from '@tfx/data'
import type { FitResult } from '@tfx/train'
import { encodeExamples, type EncodedExample } from './encode'
import type { TaskHead, TextInput } from './head'
import { compileForward, forward, type Weights } from './runtime'
import type { Setting } from './settings'

/** How texts are predicted. */
export interface PredictOptions {
  /** Texts in a batch. Default 32. */
  batchSize?: number
  /** Cut texts that are longer than the model takes. Default: as in training. */
  truncation?: boolean
  signal?: AbortSignal
}

/** How a model is saved. */
export interface SaveOptions {
  /** Replace a directory that is there and not empty. Default false. */
  overwrite?: boolean
  /** The ONNX files to write for Transformers.js. Default both: float32, and int8 for browsers. */
  onnx?: readonly OnnxPrecision[]
}

/** A fine-tuned model, ready to use. */
export interface TransferModel<Example extends TextInput, Answer, Options> {
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
   * Metrics on labelled data.
   *
   * @throws DataError on rows that cannot be used, or a label that the model does not have.
   */
  evaluate(dataset: RowSource, options?: Options & PredictOptions): Promise<Record<string, number>>
  /**
   * Writes a directory that {@link load}, Python's `transformers` and Transformers.js read: config.json, the
   * tokenizer, model.safetensors, and onnx/. It appears whole or not at all.
   *
   * @throws FileSystemError if the directory is not empty, or cannot be written.
   */
  save(directory: string, options?: SaveOptions): Promise<void>
  /** Frees the weights. The model cannot be used afterwards. */
  dispose(): Promise<void>
}

/** What a model is made of. */
export interface ModelParts<Example extends TextInput, Answer, Options> {
  readonly head: TaskHead<Example, Answer, Options>
  readonly weights: Weights
  readonly truncation: boolean
  readonly maxLength: number
  readonly settings: readonly Setting[]
  readonly notes: readonly string[]
  readonly training?: FitResult
}

// Models made here can be the base of a further transfer: their weights are found by identity.
const weightsOfModels = new WeakMap<object, Weights>()

/** The weights of a model that `transfer` or `load` made. */
export function weightsOf(model: object): Weights | undefined {
  return weightsOfModels.get(model)
}

/** Puts a model together. */
export async function createModel<Example extends TextInput, Answer, Options>(
  parts: ModelParts<Example, Answer, Options>,
): Promise<TransferModel<Example, Answer, Options>> {
  const { head, weights, settings, notes, training, maxLength } = parts
  const { config, tokenizer, store } = weights
  const program = await compileForward(head, weights)
  const encode = <T extends TextInput>(examples: readonly T[], caller: string, truncation = parts.truncation) =>
    encodeExamples(examples, { tokenizer, maxLength, truncation, caller })

  async function predict(input: string | TextInput, options?: PredictOptions): Promise<Answer>
  async function predict(inputs: readonly (string | TextInput)[], options?: PredictOptions): Promise<Answer[]>
  async function predict(
    inputs: string | TextInput | readonly (string | TextInput)[],
    { batchSize = 32, truncation, signal }: PredictOptions = {},
  ): Promise<Answer | Answer[]> {
    const list = Array.isArray(inputs) ? (inputs as readonly (string | TextInput)[]) : [inputs as string]
    const encoded = encode(list.map(checkInput), 'predict', truncation)
    const answers = await answerAll(program, encoded, { head, config, tokenizer, batchSize, signal })
    return Array.isArray(inputs) ? answers : (answers[0] as Answer)
  }

  const model: TransferModel<Example, Answer, Options> = {
    config,
    labels: config.labels,
    settings,
    notes,
    ...(training && { training }),
    predict,
    async evaluate(dataset, options) {
      const { batchSize = 32, truncation, signal } = options ?? {}
      const { examples } = await head.read(dataset, { ...(options as Options), signal })
      const encoded = encode(examples, 'evaluate', truncation)
      return scoreAll(program, encoded, { head, config, tokenizer, batchSize, signal })
    },
    save: (directory, options = {}) => save(weights, directory, { ...options, task: head.task }),
    async dispose() {
      await program.dispose()
      store.dispose()
    },
  }
  weightsOfModels.set(model, weights)
  return model
}

type RunOptions<Example extends TextInput, Answer, Options> = Pick<Weights, 'config' | 'tokenizer'> & {
  head: TaskHead<Example, Answer, Options>
  batchSize: number
  signal?: AbortSignal | undefined
}

async function answerAll<Example extends TextInput, Answer, Options>(
  program: Program,
  encoded: readonly EncodedExample<TextInput>[],
  options: RunOptions<Example, Answer, Options>,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for await (const { indices, outputs } of forward(program, encoded, options)) {
    indices.forEach((index, row) => {
      const rows = Object.entries(outputs).map(([name, { data, shape }]) => {
        const width = data.length / (shape[0] as number)
        return [name, (data as Float32Array).subarray(row * width, (row + 1) * width)]
      })
      answers[index] = options.head.answer(Object.fromEntries(rows) as Record<string, Float32Array>, options.config)
    })
  }
  return answers
}

/** Metrics of a model on encoded examples. */
export async function scoreAll<Example extends TextInput, Answer, Options>(
  program: Program,
  encoded: readonly EncodedExample<Example>[],
  options: RunOptions<Example, Answer, Options>,
): Promise<Record<string, number>> {
  const score = options.head.score(options.config)
  for await (const { examples, outputs } of forward(program, encoded, options)) score.add(examples, outputs)
  return score.result()
}

async function save(
  { config, tokenizer, store }: Weights,
  directory: string,
  { task, overwrite = false, onnx = ['float32', 'int8'] }: SaveOptions & { task: TaskHead<never, unknown, never>['task'] },
): Promise<void> {
  const read = (name: string) => store.read(name)
  const toFile = onnx.length === 0 ? undefined : await exportClassifier({ config, read })
  await saveCheckpoint(directory, {
    caller: 'save',
    config,
    task,
    tokenizer,
    parameters: { shapes: store.shapes, read },
    overwrite,
    onnx: Object.fromEntries(onnx.map((precision) => [precision, () => (toFile as NonNullable<typeof toFile>)(precision)])),
  })
}

function checkInput(input: string | TextInput, index: number): TextInput {
  const example = typeof input === 'string' ? { text: input } : input
  if (typeof example?.text === 'string') return example
  throw new ArgumentError({
    function: 'predict',
    argument: `inputs[${index}]`,
    expected: 'a string, or { text, textPair }',
    received: input === null ? 'null' : typeof input,
    remedy: 'Convert it to a string first.',
  })
}
