import type { InputSpec, NamedTensors } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import type {
  EncoderConfig,
  EncoderInputs,
  EncoderFamily,
  ModelRun,
  Parameters,
  EncoderTask,
  Tokenizer,
} from '@tfx/core'
import type { Encoding } from '@tfx/data'
import type { BestMetric } from '@tfx/train'
import type { TaskBasics } from './task'

/** What every model over text takes. */
export interface TextInput {
  readonly text: string
  /** The second text of a task over pairs. */
  readonly textPair?: string
}

/** The tokens of some texts, for tasks that answer token by token. */
export interface TokensOfTexts {
  readonly tokenizer: Tokenizer
  /** One for each text, without padding; outputs are padded to the longest. */
  readonly encodings: readonly Encoding[]
}

/** What is to be answered. */
export interface AnsweredText {
  readonly input: TextInput
  readonly tokenizer: Tokenizer
  readonly encoding: Encoding
}

/** Adds up results batch by batch, so that an evaluation never holds all of them. */
export interface Score<Example> {
  add(
    examples: readonly Example[],
    outputs: Readonly<Record<string, HostTensor>>,
    tokens: TokensOfTexts,
  ): void
  /** Metric name → value. */
  result(): Record<string, number>
}

/** The weights of a model whose training has ended. */
export interface TrainedWeights<Example> {
  readonly config: EncoderConfig
  /** What `forward` gives for the examples, batch by batch, in no certain order. */
  readonly outputs: (part: 'training' | 'validation') => AsyncIterable<{
    readonly examples: readonly Example[]
    readonly outputs: Readonly<Record<string, HostTensor>>
  }>
  /** A copy of a parameter, by its name in the checkpoint. */
  read(name: string): Promise<Float32Array>
  /** Replaces a parameter. What `outputs` gives follows. */
  write(name: string, values: Float32Array): void
}

/** A model at work: which architecture, with which configuration, in which mode. */
export interface HeadRun extends ModelRun {
  readonly family: EncoderFamily
}

/**
 * A task of an encoder: how rows become examples, examples batches, and outputs answers. Everything else
 * (tokens, batches, training, evaluation, prediction, files) is the same for all tasks.
 *
 * @typeParam Example A text with its target.
 * @typeParam Answer What `predict` gives for one text.
 * @typeParam Options What the task takes beside the options of every `transfer`.
 */
export interface TaskHead<Example extends TextInput, Answer, Options> extends TaskBasics<
  Example,
  Options,
  EncoderConfig
> {
  /** Which head of the model is trained. */
  readonly task: EncoderTask
  /** The metric by which the best evaluation is chosen. */
  readonly best: BestMetric
  /** The inputs of the loss beside the tokens. */
  targetInputs(config: EncoderConfig): Record<string, InputSpec>
  /**
   * @param tokens Absent where targets are only checked, before anything is encoded.
   * @throws DataError on a target that the configuration does not have.
   */
  targets(
    examples: readonly Example[],
    config: EncoderConfig,
    tokens?: TokensOfTexts,
  ): Record<string, HostTensor>
  /** The outputs of the model, for instance logits. */
  forward(parameters: Parameters, inputs: EncoderInputs, run: HeadRun): NamedTensors
  /** The scalar to minimise: a mean over the examples, or over what `batchWeight` says. */
  loss(
    outputs: NamedTensors,
    targets: NamedTensors,
    options: Options & { readonly config: EncoderConfig },
  ): NamedTensors[string]
  /**
   * What the loss of these examples is divided by, where that is not their number: so that accumulated batches learn the
   * same as one. Examples that weigh 0 together are left out.
   */
  batchWeight?(examples: readonly Example[], config: EncoderConfig, options: Options): number
  /**
   * Sets weights that no gradient finds, once training has ended and before the model is put together: a temperature, say, or
   * a last layer in closed form. Also after a training that was cut. Returns notes for people. Default: nothing.
   */
  readonly finish?: (trained: TrainedWeights<Example>, options: Options) => Promise<readonly string[]>
  score(config: EncoderConfig): Score<Example>
  /** One row of each output → an answer. */
  answer(outputs: Readonly<Record<string, Float32Array>>, config: EncoderConfig, text: AnsweredText): Answer
  /** For tasks whose answer is one label: lets a report count labels, and show what was got wrong. */
  readonly labelled?: {
    /** The label that is right, one of the configuration's. */
    expected(example: Example): string
    /** The label that was answered, and the probability of every label. */
    answered(answer: Answer): { readonly label: string; readonly scores: Readonly<Record<string, number>> }
  }
}
