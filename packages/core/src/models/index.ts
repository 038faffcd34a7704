import { CheckpointError } from '@tfx/common'
import type { DecoderConfig } from '../config/decoder-config'
import type { EncoderConfig } from '../config/encoder-config'
import type { ModelConfig, ModelKind, Task } from '../config/model-config'
import type { SequenceToSequenceConfig } from '../config/sequence-to-sequence-config'
import { albert } from './albert'
import { bart, m2m100, marian, mbart, pegasus, transformer } from './bart'
import { bert } from './bert'
import type { DecoderFamily } from './decoder-family'
import { debertaV2 } from './deberta'
import { distilBert } from './distilbert'
import { electra } from './electra'
import type { EncoderFamily } from './encoder-family'
import type { Family } from './family'
import { decoderTransformer, gpt2 } from './gpt2'
import { modernBert } from './modernbert'
import { mpnet } from './mpnet'
import { roberta, xlmRoberta } from './roberta'
import { gemma2, gemma3, llama, mistral, phi3, qwen2, qwen3 } from './rotary-decoders'
import type { SequenceToSequenceFamily } from './sequence-to-sequence-family'
import { mt5, t5 } from './t5'

/** An architecture of any kind, as far as all are alike: its names, its configuration and its parameters. */
export type ModelFamily = Family<ModelConfig, Task> & { readonly kind: ModelKind }

// Each family's methods only ever see its own configuration: `modelFamily(config.modelType)` pairs them.
const families = [
  ...[bert, distilBert, roberta, xlmRoberta, electra, mpnet, albert, modernBert, debertaV2],
  ...[gpt2, llama, mistral, qwen2, qwen3, gemma2, gemma3, phi3, decoderTransformer],
  ...[t5, mt5, bart, marian, mbart, m2m100, pegasus, transformer],
] as unknown as readonly ModelFamily[]

/**
 * The model family of a `model_type`.
 *
 * @throws CheckpointError listing what is supported.
 *
 * @example
 * ```ts
 * const family = modelFamily(config.modelType)
 * const logits = family.sequenceClassificationHead(parameters, family.backbone(parameters, inputs, run), run)
 * ```
 */
export function modelFamily(modelType: EncoderConfig['modelType']): EncoderFamily
export function modelFamily(modelType: DecoderConfig['modelType']): DecoderFamily
export function modelFamily(modelType: SequenceToSequenceConfig['modelType']): SequenceToSequenceFamily
export function modelFamily(modelType: string): ModelFamily
export function modelFamily(modelType: string): unknown {
  const family = families.find((candidate) => candidate.modelType === modelType)
  if (family === undefined) {
    throw new CheckpointError({
      function: 'modelFamily',
      argument: 'model_type',
      expected: `one of ${supportedModelTypes().join(', ')}`,
      received: `'${modelType}'`,
      remedy: 'Choose a checkpoint of a supported architecture.',
    })
  }
  return family
}

/** Every `model_type` that {@link modelFamily} knows, or those of one kind. */
export function supportedModelTypes(kind?: ModelKind): string[] {
  return families.flatMap((family) => (kind === undefined || family.kind === kind ? [family.modelType] : []))
}
