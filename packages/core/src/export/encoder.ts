import { tf } from '@tfx/compiler'
import type { EncoderConfig, EncoderTask } from '../config/encoder-config'
import { modelFamily } from '../models'
import type { EncoderFamily, ModelRun } from '../models/encoder-family'
import { exportProgram, type OnnxWriter } from './program'

/** What an encoder can be exported for: the tasks that Transformers.js has. */
export type ExportTask = Exclude<EncoderTask, 'pretraining'>

/** What {@link exportEncoder} writes a model from. */
export interface ExportOptions {
  readonly config: EncoderConfig
  /** Which head the model has. Default `sequence-classification`. */
  readonly task?: ExportTask
  /** The values of a parameter. */
  readonly read: (name: string) => Promise<Float32Array>
}

/**
 * An encoder as ONNX, with symbolic batch and sequence: inputs `input_ids`, `attention_mask` (and `token_type_ids`), all
 * int64 [batch, sequence]. The output is `logits` [batch, labels] for sequences, [batch, sequence, labels] for tokens,
 * [batch, sequence, vocabulary] for masked language modelling; without a head `last_hidden_state`
 * [batch, sequence, hidden].
 *
 * @returns A function that gives the bytes of the file at a precision; the model is traced once.
 */
export function exportEncoder({
  config,
  task = 'sequence-classification',
  read,
}: ExportOptions): Promise<OnnxWriter> {
  const family = modelFamily(config.modelType)
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  const inputs = {
    input_ids: ids,
    attention_mask: ids,
    ...(family.usesTokenTypes && { token_type_ids: ids }),
  }
  const compute = (tensors: Record<string, tf.Tensor>) => {
    const tokens = {
      inputIds: tensors.input_ids!,
      attentionMask: tensors.attention_mask!,
      tokenTypeIds: tensors.token_type_ids,
    }
    const run = { config, training: false, attentionMask: tokens.attentionMask }
    return outputs[task](tensors, family.backbone(tensors, tokens, run), { family, run })
  }
  return exportProgram({ compute, inputs, specs: family.parameterShapes(config, task), read })
}

type Output = (
  parameters: Record<string, tf.Tensor>,
  hidden: tf.Tensor,
  model: { family: EncoderFamily; run: ModelRun },
) => Record<string, tf.Tensor>

/** The output of each task, under the names that Optimum gives them. */
const outputs: Record<ExportTask, Output> = {
  'feature-extraction': (_, hidden) => ({ last_hidden_state: hidden }),
  'sequence-classification': (parameters, hidden, { family, run }) => ({
    logits: family.sequenceClassificationHead(parameters, hidden, run),
  }),
  'token-classification': (parameters, hidden, { family, run }) => ({
    logits: family.tokenClassificationHead(parameters, hidden, run),
  }),
  'masked-language-modelling': (parameters, hidden, { family, run }) => {
    const [batch, sequence] = hidden.shape as [number, number, number]
    const scores = family.maskedLanguageModelHead(parameters, hidden, run)
    return { logits: tf.reshape(scores, [batch, sequence, run.config.vocabSize]) }
  },
}
