import { CheckpointError } from '@tfx/common'
import { albert } from './albert'
import { bert } from './bert'
import { distilBert } from './distilbert'
import { electra } from './electra'
import type { ModelFamily } from './model-family'
import { mpnet } from './mpnet'
import { roberta, xlmRoberta } from './roberta'

export type { ModelFamily }

// Each family's methods only ever see its own configuration: `modelFamily(config.modelType)` pairs them.
const families: readonly ModelFamily[] = [bert, distilBert, roberta, xlmRoberta, electra, mpnet, albert]

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
export function modelFamily(modelType: string): ModelFamily {
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

/** Every `model_type` that {@link modelFamily} knows. */
export function supportedModelTypes(): string[] {
  return families.map((family) => family.modelType)
}
