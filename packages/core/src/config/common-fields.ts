import type { Activation } from '../blocks/layers'
import {
  choiceField,
  configError,
  integerField,
  positiveField,
  requireField,
  type ConfigJson,
} from './config-fields'
import type { EncoderConfig, ProblemType } from './encoder-config'

/** Every activation function that tfx computes. */
export const activations: readonly Activation[] = ['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu', 'silu']

/** Other names that transformers has for them: the same function, perhaps computed in another order. */
const otherNames: Readonly<Record<string, Activation>> = {
  gelu_python: 'gelu',
  gelu_fast: 'gelu_new',
  gelu_accurate: 'gelu_new',
  gelu_python_tanh: 'gelu_pytorch_tanh',
  // opus-mt checkpoints have this one.
  swish: 'silu',
}

/** The activation function of a name in config.json, if tfx computes it. */
export function activationNamed(name: unknown): Activation | undefined {
  const found = activations.find((activation) => activation === name)
  return found ?? (typeof name === 'string' && Object.hasOwn(otherNames, name) ? otherNames[name] : undefined)
}

/** An activation function, by any of its names. @throws CheckpointError */
export function activationField(json: ConfigJson, field: string, fallback: Activation): Activation {
  const activation = activationNamed(json[field])
  return activation ?? choiceField(json, field, { choices: activations, fallback })
}

const problemTypes: readonly ProblemType[] = [
  'single_label_classification',
  'multi_label_classification',
  'regression',
]

type CommonFields = Pick<
  EncoderConfig,
  | 'vocabSize'
  | 'maxPositionEmbeddings'
  | 'initializerRange'
  | 'padTokenId'
  | 'labels'
  | 'problemType'
  | 'source'
>

/**
 * The fields whose names are the same in every family.
 *
 * @param defaults Where a family's differ: `padTokenId`, else 0.
 * @throws CheckpointError if one is wrong or asks for a variant that tfx does not compute.
 */
export function parseCommonFields(json: ConfigJson, defaults: { padTokenId?: number } = {}): CommonFields {
  requireField(json, 'position_embedding_type', 'absolute')
  requireField(json, 'is_decoder', false)
  requireField(json, 'add_cross_attention', false)
  requireField(json, 'is_encoder_decoder', false)
  requireField(json, 'tie_word_embeddings', true)
  requireAbsentOrEmpty(json, 'pruned_heads')
  requireAbsentOrEmpty(json, 'quantization_config')
  const problemType = parseProblemType(json)
  return {
    vocabSize: integerField(json, 'vocab_size'),
    maxPositionEmbeddings: integerField(json, 'max_position_embeddings', { fallback: 512 }),
    initializerRange: positiveField(json, 'initializer_range', 0.02),
    padTokenId: integerField(json, 'pad_token_id', { fallback: defaults.padTokenId ?? 0, minimum: 0 }),
    labels: parseLabels(json),
    ...(problemType === undefined ? {} : { problemType }),
    source: json,
  }
}

/** @throws CheckpointError unless the heads divide the hidden size. */
export function requireWholeHeads(
  { hiddenSize, numAttentionHeads }: { hiddenSize: number; numAttentionHeads: number },
  field: string,
): void {
  if (hiddenSize % numAttentionHeads === 0) return
  throw configError(field, {
    expected: `a divisor of the hidden size ${hiddenSize}`,
    received: numAttentionHeads,
  })
}

/** The `problem_type` of a classifier. @throws CheckpointError */
export function parseProblemType(json: ConfigJson): ProblemType | undefined {
  const value = json.problem_type ?? undefined
  if (value === undefined) return undefined
  const problemType = problemTypes.find((candidate) => candidate === value)
  if (problemType !== undefined) return problemType
  throw configError('problem_type', { expected: `one of ${problemTypes.join(', ')}`, received: value })
}

/** Labels by class index; without any, `LABEL_0`, `LABEL_1`, … as Hugging Face names them. */
export function parseLabels(json: ConfigJson): string[] {
  const names = json.id2label ?? invert(json.label2id)
  if (names === undefined) {
    const count = integerField(json, 'num_labels', { fallback: 2 })
    return Array.from({ length: count }, (_, index) => `LABEL_${index}`)
  }
  const expected = 'an object of label names by the class indices 0, 1, 2, …'
  if (typeof names !== 'object') throw configError('id2label', { expected, received: names })
  const byIndex = new Map(Object.entries(names))
  return Array.from({ length: byIndex.size }, (_, index) => {
    const label: unknown = byIndex.get(String(index))
    if (typeof label === 'string') return label
    throw configError('id2label', { expected, received: names })
  })
}

function invert(ids: unknown): Record<string, string> | undefined {
  if (typeof ids !== 'object' || ids === null) return undefined
  return Object.fromEntries(Object.entries(ids).map(([label, id]) => [String(id), label]))
}

/** Refuses a field that asks for something. @throws CheckpointError */
export function requireAbsentOrEmpty(json: ConfigJson, field: string): void {
  const value = json[field] ?? undefined
  if (value === undefined) return
  if (typeof value === 'object' && Object.keys(value).length === 0) return
  throw configError(field, {
    expected: 'absent or empty',
    received: value,
    remedy: 'tfx does not compute this variant; choose a checkpoint without it.',
  })
}
