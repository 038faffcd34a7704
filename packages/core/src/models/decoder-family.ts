import { linear } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import {
  decoderStack,
  decoderStackSpecs,
  type DecoderInputs,
  type DecoderOutputs,
  type DecoderStack,
} from '../blocks/decoder-stack'
import { dropoutLayer, linearLayer } from '../blocks/layers'
import {
  embeddingSpecs,
  linearSpecs,
  parameterOf,
  type Parameters,
  type ParameterSpecs,
} from '../blocks/parameters'
import { softcapped } from '../blocks/scaled-attention'
import type { DecoderConfig, DecoderTask } from '../config/decoder-config'
import type { Family } from './family'

/** How a decoder is to run. */
export interface DecoderRun<C extends DecoderConfig = DecoderConfig> {
  readonly config: C
  /** True applies dropout. */
  readonly training: boolean
}

/**
 * One decoder architecture. All model functions are pure functions of tensors: run eagerly on any tfjs backend, or
 * traced and compiled.
 */
export interface DecoderFamily<C extends DecoderConfig = DecoderConfig> extends Family<C, DecoderTask> {
  readonly kind: 'decoder'
  /** The shape of the keys (and of the values) that each layer caches for a token: heads, features of a head. */
  cacheShape(config: C): { layers: number; heads: number; headSize: number }
  backbone(parameters: Parameters, inputs: DecoderInputs, run: DecoderRun<C>): DecoderOutputs
  /**
   * Scores over the vocabulary of the next token.
   *
   * @param hidden float32 [rows, hidden]: rows of the backbone's result.
   * @returns float32 [rows, vocabulary]
   */
  languageModelHead(parameters: Parameters, hidden: tf.Tensor, run: DecoderRun<C>): tf.Tensor
  /**
   * The classifier of sequences, which reads their last token.
   *
   * @param hidden The backbone's result, float32 [batch, sequence, hidden].
   * @param attentionMask int32 [batch, sequence]
   * @returns float32 [batch, labels]
   */
  sequenceClassificationHead(parameters: Parameters, hidden: tf.Tensor, attentionMask: tf.Tensor): tf.Tensor
  /**
   * The classifier of tokens.
   *
   * @param hidden The backbone's result, float32 [batch, sequence, hidden].
   * @returns float32 [batch, sequence, labels]
   */
  tokenClassificationHead(parameters: Parameters, hidden: tf.Tensor, run: DecoderRun<C>): tf.Tensor
}

/** What one decoder is, beside what all of them have in common. */
export interface DecoderDefinition<C extends DecoderConfig> extends Pick<
  DecoderFamily<C>,
  'modelType' | 'backbonePrefix' | 'parseConfig' | 'formatConfig' | 'cacheShape'
> {
  /** What the names of its Hugging Face classes start with, for instance `Llama`. */
  readonly classPrefix: string
  /** The Hugging Face class of the language model, where it is not `{classPrefix}ForCausalLM`. */
  readonly languageModelClass?: string
  /** Module name of the classifier of tokens. */
  readonly tokenClassifier: string
  readonly stack: (config: C) => DecoderStack
}

const languageModelHead = 'lm_head'
const sequenceClassifier = { name: 'score', hasBias: false }

/** The model family of a definition: its backbone and the heads of every task. */
export function decoderFamily<C extends DecoderConfig>({
  classPrefix,
  languageModelClass = `${classPrefix}ForCausalLM`,
  tokenClassifier,
  stack,
  ...family
}: DecoderDefinition<C>): DecoderFamily<C> {
  return {
    ...family,
    kind: 'decoder',
    aliases: {},
    tiedCopies: [`${languageModelHead}.weight`],
    architectures: {
      'feature-extraction': `${classPrefix}Model`,
      'causal-language-modelling': languageModelClass,
      'sequence-classification': `${classPrefix}ForSequenceClassification`,
      'token-classification': `${classPrefix}ForTokenClassification`,
    },
    maxLength: ({ maxPositionEmbeddings }) => maxPositionEmbeddings,
    parameterShapes: (config, task) => ({
      ...decoderStackSpecs(stack(config)),
      ...headSpecs(config, task, tokenClassifier),
    }),
    backbone: (parameters, inputs, { config, training }) =>
      decoderStack(parameters, inputs, { stack: stack(config), training }),
    languageModelHead(parameters, hidden, { config }) {
      const name = config.tieWordEmbeddings ? stack(config).wordEmbedding : languageModelHead
      const scores = linear(hidden, parameterOf(parameters, `${name}.weight`))
      const softcap = 'logitSoftcap' in config ? config.logitSoftcap : undefined
      return softcap === undefined ? scores : softcapped(scores, softcap)
    },
    sequenceClassificationHead: (parameters, hidden, attentionMask) =>
      linearLayer(parameters, sequenceClassifier, lastToken(hidden, attentionMask)),
    tokenClassificationHead: (parameters, hidden, { config, training }) =>
      linearLayer(parameters, tokenClassifier, dropoutLayer(hidden, config.classifierDropout, training)),
  }
}

/**
 * The hidden state of the last token of every sequence, wherever its padding is.
 *
 * @param hidden float32 [batch, sequence, hidden]
 * @param attentionMask int32 [batch, sequence]
 * @returns float32 [batch, hidden]
 */
export function lastToken(hidden: tf.Tensor, attentionMask: tf.Tensor): tf.Tensor {
  const [batch, sequence, hiddenSize] = hidden.shape as [number, number, number]
  const positions = tf.range(0, sequence, 1, 'int32')
  const last = tf.max(tf.mul(attentionMask, positions), 1)
  const rows = tf.add(tf.range(0, batch * sequence, sequence, 'int32'), last)
  return tf.gather(tf.reshape(hidden, [batch * sequence, hiddenSize]), rows)
}

function headSpecs(
  { hiddenSize, vocabSize, labels, tieWordEmbeddings }: DecoderConfig,
  task: DecoderTask,
  tokenClassifier: string,
): ParameterSpecs {
  switch (task) {
    case 'feature-extraction':
      return {}
    case 'causal-language-modelling':
      return tieWordEmbeddings ? {} : embeddingSpecs(languageModelHead, [vocabSize, hiddenSize])
    case 'sequence-classification':
      return linearSpecs(sequenceClassifier, labels.length, hiddenSize)
    case 'token-classification':
      return linearSpecs(tokenClassifier, labels.length, hiddenSize)
  }
}
