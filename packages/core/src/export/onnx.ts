import { tf } from '@tfx/compiler'
import { type GraphProgram, toOnnx, traceProgram } from '@tfx/compiler'
import type { EncoderConfig, EncoderTask } from '../config/encoder-config'
import { modelFamily } from '../models'
import type { EncoderFamily, ModelRun } from '../models/encoder-family'

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

/** The files that Transformers.js looks for under `onnx/`, by their precision. */
export const onnxFiles = {
  float32: 'model.onnx',
  float16: 'model_fp16.onnx',
  int8: 'model_quantized.onnx',
  int4: 'model_q4.onnx',
} as const

export type OnnxPrecision = keyof typeof onnxFiles

/**
 * An encoder as ONNX, with symbolic batch and sequence: inputs `input_ids`, `attention_mask` (and `token_type_ids`), all
 * int64 [batch, sequence]. The output is `logits` [batch, labels] for sequences, [batch, sequence, labels] for tokens,
 * [batch, sequence, vocabulary] for masked language modelling; without a head `last_hidden_state`
 * [batch, sequence, hidden].
 *
 * @returns A function that gives the bytes of the file at a precision; the model is traced once.
 */
export async function exportEncoder({
  config,
  task = 'sequence-classification',
  read,
}: ExportOptions): Promise<(precision: OnnxPrecision) => Uint8Array> {
  const family = modelFamily(config.modelType)
  const specs = family.parameterShapes(config, task)
  const weights = new Map<string, Float32Array>()
  for (const name of Object.keys(specs)) weights.set(name, await read(name))
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  const tokens = {
    input_ids: ids,
    attention_mask: ids,
    ...(family.usesTokenTypes && { token_type_ids: ids }),
  }
  const compute = (tensors: Record<string, tf.Tensor>) => {
    const inputs = {
      inputIds: tensors.input_ids!,
      attentionMask: tensors.attention_mask!,
      tokenTypeIds: tensors.token_type_ids,
    }
    const run = { config, training: false }
    return outputs[task](tensors, family.backbone(tensors, inputs, run), { family, run })
  }
  const shapes = Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, { shape }]))
  const program: GraphProgram = traceProgram(compute, { ...tokens, ...shapes })
  const inputTypes = Object.fromEntries(Object.keys(tokens).map((name) => [name, 'int64' as const]))
  return (precision) =>
    toOnnx(program, {
      weights: (name) => weights.get(name),
      inputTypes,
      precision,
    })
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
