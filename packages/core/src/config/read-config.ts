import { modelFamily, supportedModelTypes } from '../models'
import { configError } from './config-fields'
import type { EncoderConfig, ProblemType } from './encoder-config'
import type { ConfigKinds, ModelConfig, ModelKind, Task } from './model-config'

/**
 * Reads a parsed config.json in the spelling of transformers 4 or 5.
 *
 * @param json The parsed file.
 * @param options `kind`: the kind of model that is needed; others are refused. Default: any.
 * @returns The typed configuration; the JSON itself stays in `source`.
 * @throws CheckpointError if the `model_type` is not supported, a field is wrong, or the checkpoint is of a
 *   variant that tfx does not compute (relative positions, a decoder, an unknown activation, …).
 *
 * @example
 * ```ts
 * const config = readConfig(JSON.parse(await readFile('model/config.json', 'utf8')))
 * ```
 */
export function readConfig<K extends ModelKind = ModelKind>(
  json: unknown,
  { kind }: { kind?: K | undefined } = {},
): ConfigKinds[K] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw configError('config.json', { expected: 'an object', received: json })
  }
  const fields = json as Record<string, unknown>
  const modelType = fields.model_type
  if (typeof modelType !== 'string') {
    throw configError('model_type', { expected: 'the name of an architecture', received: modelType })
  }
  const family = modelFamily(modelType)
  if (kind !== undefined && family.kind !== kind) {
    throw configError('model_type', {
      expected: `an ${kind}: ${supportedModelTypes(kind).join(', ')}`,
      received: modelType,
      remedy: 'Choose a checkpoint of one of these architectures.',
    })
  }
  return family.parseConfig(fields) as ConfigKinds[K]
}

/**
 * The config.json of a configuration, as Python transformers 5 and Transformers.js read it. Fields of the
 * original file that tfx does not know are kept.
 *
 * @param task Decides `architectures`, and whether labels are written.
 * @param dtype How the weights beside it are stored.
 */
export function formatConfig(
  config: ModelConfig,
  task: Task,
  dtype: 'float32' | 'float16' | 'bfloat16' = 'float32',
): Record<string, unknown> {
  const family = modelFamily(config.modelType as string)
  const kept = { ...config.source }
  // Spelled anew below, or about where the base came from.
  for (const field of [
    '_name_or_path',
    'torch_dtype',
    'num_labels',
    'id2label',
    'label2id',
    'problem_type',
  ]) {
    delete kept[field]
  }
  return {
    ...kept,
    architectures: [family.architectures[task]],
    model_type: config.modelType,
    dtype,
    vocab_size: config.vocabSize,
    ...(family.kind === 'encoder' && {
      max_position_embeddings: (config as EncoderConfig).maxPositionEmbeddings,
      pad_token_id: config.padTokenId,
    }),
    initializer_range: config.initializerRange,
    ...family.formatConfig(config),
    ...(task.endsWith('classification') ? formatLabels(config) : {}),
  }
}

/**
 * The same model with other labels: the classifier then has one output for each.
 *
 * @param labels Label names by class index.
 * @throws CheckpointError if there are none, or two are the same.
 */
export function withLabels<C extends ModelConfig>(
  config: C,
  labels: readonly string[],
  problemType: ProblemType = 'single_label_classification',
): C {
  if (labels.length === 0 || new Set(labels).size !== labels.length) {
    throw configError('labels', { expected: 'at least one label, all different', received: labels })
  }
  return { ...config, labels: [...labels], problemType }
}

function formatLabels({ labels, problemType }: ModelConfig): Record<string, unknown> {
  return {
    id2label: Object.fromEntries(labels.map((label, index) => [String(index), label])),
    label2id: Object.fromEntries(labels.map((label, index) => [label, index])),
    ...(problemType === undefined ? {} : { problem_type: problemType }),
  }
}
