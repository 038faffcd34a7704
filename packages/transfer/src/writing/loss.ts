import { type InputSpec, softmaxCrossEntropy } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import {
  type ChangeWords,
  type DecoderConfig,
  modelFamily,
  nextTokenLabels,
  type Parameters,
  type SequenceToSequenceConfig,
  withPrompt,
} from '@tfx/core'
import type { ModelInputs } from '../training-loss'
import type { WritingModelConfig } from './writing-head'

/** How the loss is computed. */
export interface WritingLossRun {
  readonly config: WritingModelConfig
  /** True applies dropout. */
  readonly training: boolean
  /** ε of label smoothing. */
  readonly labelSmoothing: number
}

/** Whether a model reads by an encoder. */
export const isEncoderDecoder = (config: WritingModelConfig): config is SequenceToSequenceConfig =>
  modelFamily(config.modelType as string).kind === 'encoder-decoder'

/** What the loss of a model that writes takes: its tokens, and labels. */
export function writingInputs(config: WritingModelConfig): Record<string, InputSpec> {
  const [read, written] = isEncoderDecoder(config) ? ['source', 'target'] : ['sequence', 'sequence']
  const spec = (length: string) => ({ shape: ['batch', length], dtype: 'int32' }) as const
  return { inputIds: spec(read), attentionMask: spec(read), labels: spec(written) }
}

/**
 * The mean cross-entropy of all tokens that are to be written, as Hugging Face's `ForConditionalGeneration` and `ForCausalLM`
 * compute it.
 *
 * @param parameters A learned prompt among them takes the places of the first tokens that are read.
 * @param inputs Those of {@link writingInputs}; labels of −100 count for nothing.
 * @returns A scalar.
 */
export function writingLoss(
  parameters: Parameters,
  inputs: ModelInputs,
  { config, labelSmoothing, ...run }: WritingLossRun,
): tf.Tensor {
  const { inputIds, attentionMask, labels, changeWords } = inputs as unknown as ReadTokens & {
    labels: tf.Tensor
  }
  const tokens = withPrompt(parameters, { inputIds, attentionMask, changeWords })
  const [scores, targets] = isEncoderDecoder(config)
    ? [decoderScores(parameters, { ...tokens, labels }, { config, ...run }), tf.reshape(labels, [-1])]
    : [nextTokenScores(parameters, tokens, { config, ...run }), nextTokenLabels(labels)]
  return softmaxCrossEntropy(scores, targets, { labelSmoothing })
}

/** What a model reads. */
interface ReadTokens {
  readonly inputIds: tf.Tensor
  readonly attentionMask: tf.Tensor
  readonly changeWords: ChangeWords | undefined
}

/** Scores of each token of the labels: float32 [batch · target, vocabulary]. */
function decoderScores(
  parameters: Parameters,
  { labels, ...source }: ReadTokens & { labels: tf.Tensor },
  run: { config: SequenceToSequenceConfig; training: boolean },
): tf.Tensor {
  const family = modelFamily(run.config.modelType)
  const encoded = family.encoder(parameters, source, run)
  const target = {
    inputIds: family.decoderInputs(labels, run.config),
    encoderAttentionMask: source.attentionMask,
    cross: family.crossKeyValues(parameters, encoded, run),
  }
  return family.languageModelHead(parameters, rowsOf(family.decoder(parameters, target, run).hidden), run)
}

/** Scores of the token behind each: float32 [batch · sequence, vocabulary]. */
function nextTokenScores(
  parameters: Parameters,
  tokens: ReadTokens,
  run: { config: DecoderConfig; training: boolean },
): tf.Tensor {
  const family = modelFamily(run.config.modelType)
  return family.languageModelHead(parameters, rowsOf(family.backbone(parameters, tokens, run).hidden), run)
}

function rowsOf(hidden: tf.Tensor): tf.Tensor {
  const [batch, sequence, size] = hidden.shape as [number, number, number]
  return tf.reshape(hidden, [batch * sequence, size])
}
