import type { tf } from '@tfx/compiler'
import type { Parameters } from '../blocks/parameters'
import type { ChangeWords } from '../blocks/word-embedding'
import type { EncoderConfig, EncoderTask } from '../config/encoder-config'
import type { Family } from './family'

/** The inputs of an encoder. */
export interface EncoderInputs {
  /** int32 [batch, sequence] */
  readonly inputIds: tf.Tensor
  /** int32 [batch, sequence]; 1 = token, 0 = padding */
  readonly attentionMask: tf.Tensor
  /** int32 [batch, sequence]; the segment of each token. Default: all 0. Ignored by models without segments. */
  readonly tokenTypeIds?: tf.Tensor | undefined
  /** What is to be done with the words' embeddings. Default: nothing. */
  readonly changeWords?: ChangeWords | undefined
}

/** How a model function is to run. */
export interface ModelRun<C extends EncoderConfig = EncoderConfig> {
  readonly config: C
  /** True applies dropout. */
  readonly training: boolean
  /** int32 [batch, sequence]: a head that reads the mean of a sequence refuses to run without it. */
  readonly attentionMask?: tf.Tensor | undefined
}

/** How a masked language model head is to run. */
export interface MaskedLanguageModelRun<C extends EncoderConfig = EncoderConfig> {
  readonly config: C
  /** int32 [M]: `batch index · sequence + position` of the tokens to predict. Default: every token. */
  readonly maskedPositions?: tf.Tensor | undefined
}

/**
 * One encoder architecture. All model functions are pure functions of tensors: run eagerly on any tfjs backend, or
 * traced and compiled.
 */
export interface EncoderFamily<C extends EncoderConfig = EncoderConfig> extends Family<C, EncoderTask> {
  readonly kind: 'encoder'
  /** Whether the tokenizer's `tokenTypeIds` are an input. */
  readonly usesTokenTypes: boolean
  /** @returns The last hidden state, float32 [batch, sequence, hidden]. */
  backbone(parameters: Parameters, inputs: EncoderInputs, run: ModelRun<C>): tf.Tensor
  /**
   * The one vector of each text that the classifier reads.
   *
   * @param hidden The backbone's result, float32 [batch, sequence, hidden].
   * @returns float32 [batch, hidden]
   */
  pooledOutput(parameters: Parameters, hidden: tf.Tensor, config: C): tf.Tensor
  /** Module name of the classifier's last layer: a weight [labels, hidden] and a bias [labels]. */
  readonly classifierLayer: string
  /**
   * What the classifier's last layer reads, dropout included.
   *
   * @param hidden The backbone's result, float32 [batch, sequence, hidden].
   * @returns float32 [batch, hidden]
   */
  classifierInput(parameters: Parameters, hidden: tf.Tensor, run: ModelRun<C>): tf.Tensor
  /**
   * The classifier on top of the backbone: {@link EncoderFamily.classifierInput} and the last layer.
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
