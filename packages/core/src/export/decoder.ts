import { tf } from '@tfx/compiler'
import type { KeyValues } from '../blocks/scaled-attention'
import type { DecoderConfig } from '../config/decoder-config'
import { cacheTraceSizes } from '../generation/trace-sizes'
import { modelFamily } from '../models'
import { exportProgram, type OnnxWriter } from './program'

/** What {@link exportDecoder} writes a model from. */
export interface DecoderExportOptions {
  readonly config: DecoderConfig
  /** Which head the model has. Default `causal-language-modelling`. */
  readonly task?: 'causal-language-modelling' | 'sequence-classification' | 'token-classification'
  /** The values of a parameter. */
  readonly read: (name: string) => Promise<Float32Array>
}

const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const

/**
 * A decoder as ONNX, as Optimum writes it and Transformers.js runs it. A language model takes `input_ids`
 * [batch, sequence], `attention_mask` [batch, past + sequence] (int64) and the cache `past_key_values.{layer}.key` and
 * `.value` (float32 [batch, heads, past, head size], past may be 0); it gives `logits` [batch, sequence, vocabulary]
 * and the cache with the new tokens, `present.{layer}.key` and `.value`. A classifier takes no cache; its `logits` are
 * [batch, labels], or [batch, sequence, labels] for tokens.
 *
 * @returns A function that gives the bytes of the file at a precision; the model is traced once.
 */
export function exportDecoder({
  config,
  task = 'causal-language-modelling',
  read,
}: DecoderExportOptions): Promise<OnnxWriter> {
  const family = modelFamily(config.modelType)
  const specs = family.parameterShapes(config, task)
  const run = { config, training: false }
  if (task !== 'causal-language-modelling') {
    const compute = (tensors: Record<string, tf.Tensor>) => {
      const attentionMask = tensors.attention_mask!
      const { hidden } = family.backbone(tensors, { inputIds: tensors.input_ids!, attentionMask }, run)
      const logits =
        task === 'sequence-classification'
          ? family.sequenceClassificationHead(tensors, hidden, attentionMask)
          : family.tokenClassificationHead(tensors, hidden, run)
      return { logits }
    }
    return exportProgram({ compute, inputs: { input_ids: ids, attention_mask: ids }, specs, read })
  }
  const { layers, heads, headSize } = family.cacheShape(config)
  const compute = (tensors: Record<string, tf.Tensor>) => {
    const past = Array.from({ length: layers }, (_, layer): KeyValues => ({
      key: tensors[`past_key_values.${layer}.key`]!,
      value: tensors[`past_key_values.${layer}.value`]!,
    }))
    const inputs = { inputIds: tensors.input_ids!, attentionMask: tensors.attention_mask!, past }
    const { hidden, present } = family.backbone(tensors, inputs, run)
    const [batch, sequence, size] = hidden.shape as [number, number, number]
    const rows = tf.reshape(hidden, [batch * sequence, size])
    const scores = family.languageModelHead(tensors, rows, run)
    return {
      logits: tf.reshape(scores, [batch, sequence, config.vocabSize]),
      ...cacheRecord('present', present),
    }
  }
  const cache = { shape: ['batch', heads, 'past', headSize] }
  const inputs = {
    input_ids: ids,
    attention_mask: { shape: ['batch', 'total'], dtype: 'int32' } as const,
    ...cacheRecord(
      'past_key_values',
      Array.from({ length: layers }, () => ({ key: cache, value: cache })),
    ),
  }
  return exportProgram({ compute, inputs, specs, read, traceSizes: cacheTraceSizes })
}

/** Keys and values of every layer under Optimum's names. */
function cacheRecord<T>(prefix: string, layers: readonly { key: T; value: T }[]): Record<string, T> {
  return Object.fromEntries(
    layers.flatMap(({ key, value }, layer) => [
      [`${prefix}.${layer}.key`, key],
      [`${prefix}.${layer}.value`, value],
    ]),
  )
}
