import type { tf } from '@tfx/compiler'
import type { Parameters, ParameterSpecs } from '../blocks/parameters'
import type { EncoderConfig, Task } from '../config/encoder-config'

/** The inputs of an encoder. */
export interface EncoderInputs {
  /** int32 [batch, sequence] */
  readonly inputIds: tf.Tensor
  /** int32 [batch, sequence]; 1 = token, 0 = padding */
  readonly attentionMask: tf.Tensor
  /** int32 [batch, sequence]; the segment of each token. Default: all 0. Ignored by models without segments. */
  readonly tokenTypeIds?: tf.Tensor | undefined
}

/** How a model function is to run. */
export interface ModelRun<C extends EncoderConfig = EncoderConfig> {
  readonly config: C
  /** True applies dropout. */
  readonly training: boolean
}

/** How a masked language model head is to run. */
export interface MaskedLanguageModelRun<C extends EncoderConfig = EncoderConfig> {
  readonly config: C
  /** int32 [M]: `batch index · sequence + position` of the tokens to predict. Default: every token. */
  readonly maskedPositions?: tf.Tensor | undefined
}

/**
 * One architecture. All model functions are pure functions of tensors: run eagerly on any tfjs backend, or
 * traced and compiled.
 */
export interface ModelFamily<C extends EncoderConfig = EncoderConfig> {
  /** The `model_type` of config.json. */
  readonly modelType: C['modelType']
  /** What the names of backbone parameters start with in a task checkpoint, for instance `bert.`. */
  readonly backbonePrefix: string
  /** Other names that parameters have in some checkpoints → the name here. */
  readonly aliases: Readonly<Record<string, string>>
  /** Tensors that some checkpoints have as copies of tied weights. */
  readonly tiedCopies: readonly string[]
  /** Hugging Face class of each task, as in `architectures` of config.json. */
  readonly architectures: Readonly<Record<Task, string>>
  /** Whether the tokenizer's `tokenTypeIds` are an input. */
  readonly usesTokenTypes: boolean
  /**
   * Reads the family's own fields of a config.json.
   *
   * @throws CheckpointError if a field is missing or of a kind that is not supported.
   */
  parseConfig(json: Readonly<Record<string, unknown>>): C
  /** The family's own fields of config.json. */
  formatConfig(config: C): Record<string, unknown>
  /** The longest input in tokens, special tokens included. */
  maxLength(config: C): number
  /** Every parameter of the model with the head of the task. Tied weights appear once. */
  parameterShapes(config: C, task: Task): ParameterSpecs
  /** @returns The last hidden state, float32 [batch, sequence, hidden]. */
  backbone(parameters: Parameters, inputs: EncoderInputs, run: ModelRun<C>): tf.Tensor
  /**
   * The one vector of each text that the classifier reads.
   *
   * @param hidden The backbone's result, float32 [batch, sequence, hidden].
   * @returns float32 [batch, hidden]
   */
  pooledOutput(parameters: Parameters, hidden: tf.Tensor): tf.Tensor
  /**
   * The classifier on top of the backbone.
   *
   * @param hidden The backbone's result, float32 [batch, sequence, hidden].
   * @returns float32 [batch, labels]
   */
  sequenceClassificationHead(parameters: Parameters, hidden: tf.Tensor, run: ModelRun<C>): tf.Tensor
  /**
   * A classifier of every token on top of the backbone.
   *
   * @param hidden The backbone's result, float32 [batch, sequence, hidden].
   * @returns float32 [batch, sequence, labels]
   */
  tokenClassificationHead(parameters: Parameters, hidden: tf.Tensor, run: ModelRun<C>): tf.Tensor
  /**
   * Scores over the vocabulary on top of the backbone.
   *
   * @param hidden The backbone's result, float32 [batch, sequence, hidden].
   * @returns float32 [M, vocabulary], or [batch · sequence, vocabulary] without `maskedPositions`.
   */
  maskedLanguageModelHead(
    parameters: Parameters,
    hidden: tf.Tensor,
    run: MaskedLanguageModelRun<C>,
  ): tf.Tensor
}
