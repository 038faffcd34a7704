import type { tf } from '@tfx/compiler'
import { type GraphProgram, toOnnx, traceProgram } from '@tfx/compiler'
import type { EncoderConfig } from '../config/encoder-config'
import { modelFamily } from '../models'

/** What {@link exportClassifier} writes a model from. */
export interface ExportOptions {
  readonly config: EncoderConfig
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
 * A sequence classifier as ONNX, with symbolic batch and sequence: inputs `input_ids`,
 * `attention_mask` (and `token_type_ids`), all int64 [batch, sequence]; output `logits` [batch, labels].
 *
 * @returns A function that gives the bytes of the file at a precision; the model is traced once.
 */
export async function exportClassifier({
  config,
  read,
}: ExportOptions): Promise<(precision: OnnxPrecision) => Uint8Array> {
  const family = modelFamily(config.modelType)
  const specs = family.parameterShapes(config, 'sequence-classification')
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
    const hidden = family.backbone(tensors, inputs, run)
    return { logits: family.sequenceClassificationHead(tensors, hidden, run) }
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
