import { linear } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { embeddingSpecs, parameterOf, type Parameters } from '../blocks/parameters'
import type { KeyValues } from '../blocks/scaled-attention'
import {
  crossKeyValues,
  sequenceStack,
  sequenceStackSpecs,
  type SequenceStack,
} from '../blocks/sequence-stack'
import { shiftRight } from '../blocks/shift-right'
import type { ChangeWords } from '../blocks/word-embedding'
import type { SequenceToSequenceConfig, SequenceToSequenceTask } from '../config/sequence-to-sequence-config'
import type { Family } from './family'

/** How an encoder-decoder is to run. */
export interface SequenceToSequenceRun<C extends SequenceToSequenceConfig = SequenceToSequenceConfig> {
  readonly config: C
  /** True applies dropout. */
  readonly training: boolean
}

/** The inputs of a decoder that looks at an encoder. */
export interface CrossDecoderInputs {
  /** int32 [batch, target]: the new tokens. */
  readonly inputIds: tf.Tensor
  /** int32 [batch, total]; 1 = token; of cached and new tokens. Default: all are tokens. */
  readonly attentionMask?: tf.Tensor | undefined
  /** int32 [batch, source]; 1 = token, 0 = padding */
  readonly encoderAttentionMask: tf.Tensor
  /** The encoder's keys and values by layer, see `crossKeyValues`. */
  readonly cross: readonly KeyValues[]
  /** Keys and values of cached tokens by layer. Default: none. */
  readonly past?: readonly KeyValues[] | undefined
  /** Whether the past has room behind its tokens, where the new ones are written. Default false. */
  readonly pastHasRoom?: boolean | undefined
}

/**
 * One encoder-decoder architecture. All model functions are pure functions of tensors: run eagerly on any tfjs
 * backend, or traced and compiled.
 */
export interface SequenceToSequenceFamily<
  C extends SequenceToSequenceConfig = SequenceToSequenceConfig,
> extends Family<C, SequenceToSequenceTask> {
  readonly kind: 'encoder-decoder'
  /** The shape of the keys (and of the values) that each decoder layer caches for a token. */
  cacheShape(config: C): { layers: number; heads: number; headSize: number }
  /**
   * @param inputs `inputIds`, `attentionMask`: int32 [batch, source]; and what is to be done with the words' embeddings.
   * @returns The encoder's last hidden state, float32 [batch, source, hidden].
   */
  encoder(
    parameters: Parameters,
    inputs: {
      readonly inputIds: tf.Tensor
      readonly attentionMask: tf.Tensor
      readonly changeWords?: ChangeWords | undefined
    },
    run: SequenceToSequenceRun<C>,
  ): tf.Tensor
  /** The keys and values that the decoder's layers look at, each float32 [batch, heads, source, head size]. */
  crossKeyValues(parameters: Parameters, encoderHidden: tf.Tensor, run: SequenceToSequenceRun<C>): KeyValues[]
  /** @returns The decoder's last hidden state, float32 [batch, target, hidden], and its self-attention's cache. */
  decoder(
    parameters: Parameters,
    inputs: CrossDecoderInputs,
    run: SequenceToSequenceRun<C>,
  ): { hidden: tf.Tensor; present: readonly KeyValues[] }
  /**
   * Scores over the vocabulary of the next token.
   *
   * @param hidden float32 [rows, hidden]: rows of the decoder's result.
   * @returns float32 [rows, vocabulary]
   */
  languageModelHead(parameters: Parameters, hidden: tf.Tensor, run: SequenceToSequenceRun<C>): tf.Tensor
  /**
   * What the decoder reads to predict labels: a start token, then the labels but the last.
   *
   * @param labels int32 [batch, target]; −100 counts for nothing.
   * @returns int32 [batch, target]
   */
  decoderInputs(labels: tf.Tensor, config: C): tf.Tensor
}

/** What one encoder-decoder is, beside what all of them have in common. */
export interface SequenceToSequenceDefinition<C extends SequenceToSequenceConfig> extends Pick<
  SequenceToSequenceFamily<C>,
  | 'modelType'
  | 'backbonePrefix'
  | 'parseConfig'
  | 'formatConfig'
  | 'maxLength'
  | 'cacheShape'
  | 'computedTables'
> {
  /** Its Hugging Face classes: without and with the head. */
  readonly classes: readonly [model: string, languageModel: string]
  readonly stacks: (config: C) => { readonly encoder: SequenceStack; readonly decoder: SequenceStack }
  /** Whether scores have a bias that is stored but not trained. */
  readonly hasLogitsBias: boolean
  /** What hidden states are multiplied with before they are scored. Default 1. */
  readonly outputScale?: (config: C) => number
  /** Decoders start with the last token of their labels, as mBART's language. Default: with a start token. */
  readonly wrapsLabels?: boolean
  /** A checkpoint without an output layer scores by the word embeddings, whatever config.json says, as T5. Default false. */
  readonly tiesMissingHead?: boolean
}

const head = 'lm_head'
const logitsBias = 'final_logits_bias'

/** The model family of a definition. */
export function sequenceToSequenceFamily<C extends SequenceToSequenceConfig>({
  classes,
  stacks,
  hasLogitsBias,
  outputScale = () => 1,
  wrapsLabels = false,
  tiesMissingHead = false,
  ...family
}: SequenceToSequenceDefinition<C>): SequenceToSequenceFamily<C> {
  const { backbonePrefix } = family
  return {
    ...family,
    kind: 'encoder-decoder',
    aliases: {},
    tiedCopies: [
      `${head}.weight`,
      ...['encoder', 'decoder'].map((half) => `${backbonePrefix}${half}.embed_tokens.weight`),
    ],
    architectures: { 'feature-extraction': classes[0], 'sequence-to-sequence': classes[1] },
    parameterShapes(config, task) {
      const { encoder, decoder } = stacks(config)
      const { vocabSize, hiddenSize } = config
      const isScored = task === 'sequence-to-sequence'
      return {
        ...embeddingSpecs(encoder.wordEmbedding, [vocabSize, hiddenSize], encoder.paddingRow),
        ...sequenceStackSpecs(encoder),
        ...sequenceStackSpecs(decoder),
        ...(isScored &&
          !config.tieWordEmbeddings && {
            [`${head}.weight`]: {
              shape: [vocabSize, hiddenSize],
              initialize: 'normal',
              ...(tiesMissingHead && { copyOf: `${encoder.wordEmbedding}.weight` }),
            },
          }),
        ...(isScored &&
          hasLogitsBias && { [logitsBias]: { shape: [1, vocabSize], initialize: 'zeros', isFixed: true } }),
      }
    },
    encoder: (parameters, inputs, { config, training }) =>
      sequenceStack(parameters, { ...inputs, isCausal: false }, { stack: stacks(config).encoder, training })
        .hidden,
    crossKeyValues: (parameters, encoderHidden, { config }) =>
      crossKeyValues(parameters, encoderHidden, stacks(config).decoder),
    decoder(parameters, { cross, encoderAttentionMask, ...inputs }, { config, training }) {
      const own = {
        ...inputs,
        attentionMask: inputs.attentionMask ?? tf.onesLike(inputs.inputIds),
        isCausal: true,
        cross: { keyValues: cross, attentionMask: encoderAttentionMask },
      }
      return sequenceStack(parameters, own, { stack: stacks(config).decoder, training })
    },
    languageModelHead(parameters, hidden, { config }) {
      const name = config.tieWordEmbeddings ? stacks(config).encoder.wordEmbedding : head
      const scale = outputScale(config)
      const scaled = scale === 1 ? hidden : tf.mul(hidden, scale)
      const scores = linear(scaled, parameterOf(parameters, `${name}.weight`))
      return hasLogitsBias ? tf.add(scores, parameterOf(parameters, logitsBias)) : scores
    },
    decoderInputs: (labels, { padTokenId, decoderStartTokenId = padTokenId }) =>
      shiftRight(labels, { padTokenId, start: wrapsLabels ? 'last-label' : decoderStartTokenId }),
  }
}
