import { tf } from '@tfx/compiler'
import type { KeyValues } from '../blocks/scaled-attention'
import type { SequenceToSequenceConfig } from '../config/sequence-to-sequence-config'
import { modelFamily } from '../models'
import { exportProgram, type OnnxPrecision, type OnnxWriter } from './program'

/** What {@link exportSequenceToSequence} writes a model from. */
export interface SequenceExportOptions {
  readonly config: SequenceToSequenceConfig
  /** The values of a parameter. */
  readonly read: (name: string) => Promise<Float32Array>
}

/** The two files of an encoder-decoder that Transformers.js looks for under `onnx/`, by their precision. */
export const sequenceOnnxFiles: Readonly<Record<OnnxPrecision, { encoder: string; decoder: string }>> = {
  float32: { encoder: 'encoder_model.onnx', decoder: 'decoder_model_merged.onnx' },
  float16: { encoder: 'encoder_model_fp16.onnx', decoder: 'decoder_model_merged_fp16.onnx' },
  int8: { encoder: 'encoder_model_quantized.onnx', decoder: 'decoder_model_merged_quantized.onnx' },
  int4: { encoder: 'encoder_model_q4.onnx', decoder: 'decoder_model_merged_q4.onnx' },
}

/** `known` is how much of the source has keys and values already: nothing in the first step, then all of it. */
const traceSizes = [
  { batch: 5, sequence: 7, past: 4, source: 17, known: 6 },
  { batch: 7, sequence: 13, past: 9, source: 25, known: 8 },
  { batch: 3, sequence: 11, past: 19, source: 43, known: 5 },
]

const task = 'sequence-to-sequence'
const ids = (...shape: string[]) => ({ shape, dtype: 'int32' }) as const

/**
 * An encoder-decoder as ONNX, as Optimum names it and Transformers.js runs it. The encoder takes `input_ids` and
 * `attention_mask` [batch, source] and gives `last_hidden_state` [batch, source, hidden]. The decoder takes `input_ids`
 * [batch, sequence], `encoder_attention_mask`, `encoder_hidden_states` and the caches
 * `past_key_values.{layer}.{decoder|encoder}.{key|value}` [batch, heads, tokens, head size] (tokens may be 0); it
 * gives `logits` [batch, sequence, vocabulary] and the caches as `present.…`.
 *
 * There is one graph for the first step and all others: only the part of the source that has no keys and values in the
 * cache yet is projected. So it has no `use_cache_branch`.
 */
export async function exportSequenceToSequence({
  config,
  read,
}: SequenceExportOptions): Promise<{ encoder: OnnxWriter; decoder: OnnxWriter }> {
  const specs = modelFamily(config.modelType).parameterShapes(config, task)
  return {
    encoder: await exportProgram({
      compute: encode(config),
      inputs: { input_ids: ids('batch', 'source'), attention_mask: ids('batch', 'source') },
      specs,
      read,
    }),
    decoder: await exportProgram({
      compute: decode(config),
      inputs: decoderInputs(config),
      specs,
      read,
      traceSizes,
    }),
  }
}

const encode = (config: SequenceToSequenceConfig) => (tensors: Record<string, tf.Tensor>) => {
  const inputs = { inputIds: tensors.input_ids!, attentionMask: tensors.attention_mask! }
  const run = { config, training: false }
  return { last_hidden_state: modelFamily(config.modelType).encoder(tensors, inputs, run) }
}

const decode = (config: SequenceToSequenceConfig) => (tensors: Record<string, tf.Tensor>) => {
  const family = modelFamily(config.modelType)
  const run = { config, training: false }
  const { layers } = family.cacheShape(config)
  const cached = (half: string): KeyValues[] =>
    Array.from({ length: layers }, (_, layer) => ({
      key: tensors[`past_key_values.${layer}.${half}.key`]!,
      value: tensors[`past_key_values.${layer}.${half}.value`]!,
    }))
  const known = cached('encoder')
  const past = cached('decoder')
  const states = tensors.encoder_hidden_states!
  const [batch, source, size] = states.shape as [number, number, number]
  const first = known[0]!.key.shape[2]!
  const open = tf.slice(states, [0, first, 0], [batch, source - first, size])
  const cross = family.crossKeyValues(tensors, open, run).map(({ key, value }, layer) => ({
    key: tf.concat([known[layer]!.key, key], 2),
    value: tf.concat([known[layer]!.value, value], 2),
  }))
  const inputIds = tensors.input_ids!
  const sequence = inputIds.shape[1]!
  const { hidden, present } = family.decoder(
    tensors,
    {
      inputIds,
      attentionMask: tf.ones([batch, past[0]!.key.shape[2]! + sequence], 'int32'),
      encoderAttentionMask: tensors.encoder_attention_mask!,
      cross,
      past,
    },
    run,
  )
  const scores = family.languageModelHead(tensors, tf.reshape(hidden, [batch * sequence, size]), run)
  return {
    logits: tf.reshape(scores, [batch, sequence, config.vocabSize]),
    ...cacheRecord('present', { decoder: present, encoder: cross }),
  }
}

function decoderInputs(config: SequenceToSequenceConfig) {
  const { layers, heads, headSize } = modelFamily(config.modelType).cacheShape(config)
  const caches = (length: string) => {
    const shape = { shape: ['batch', heads, length, headSize] }
    return Array.from({ length: layers }, () => ({ key: shape, value: shape }))
  }
  return {
    input_ids: ids('batch', 'sequence'),
    encoder_attention_mask: ids('batch', 'source'),
    encoder_hidden_states: { shape: ['batch', 'source', config.hiddenSize] },
    ...cacheRecord('past_key_values', { decoder: caches('past'), encoder: caches('known') }),
  }
}

/** Keys and values of both attentions of every layer under Optimum's names. */
function cacheRecord<T>(
  prefix: string,
  halves: Readonly<Record<'decoder' | 'encoder', readonly { key: T; value: T }[]>>,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(halves).flatMap(([half, layers]) =>
      layers.flatMap(({ key, value }, layer) => [
        [`${prefix}.${layer}.${half}.key`, key],
        [`${prefix}.${layer}.${half}.value`, value],
      ]),
    ),
  )
}
