import { CheckpointError } from '@tfx/common'
import type { tf } from '@tfx/compiler'

/** The weights of a model: Hugging Face name → tensor, in the checkpoint's own layout. */
export type Parameters = Readonly<Record<string, tf.Tensor>>

/** What one parameter is before it has a value. */
export interface ParameterSpec {
  readonly shape: readonly number[]
  /** `normal` has mean 0 and the configuration's `initializerRange` as standard deviation. */
  readonly initialize: 'normal' | 'zeros' | 'ones'
  /** A row that starts as zeros: the padding token of an embedding, as in PyTorch's `padding_idx`. */
  readonly zeroRow?: number
  /** Stored with the weights but never trained: a buffer in PyTorch. Default false. */
  readonly isFixed?: boolean
  /** The parameter whose values it has where a checkpoint lacks it. Default: none, and it starts anew. */
  readonly copyOf?: string
}

/** Hugging Face name → specification, in the order of the model's own layers. */
export type ParameterSpecs = Record<string, ParameterSpec>

/**
 * One parameter.
 *
 * @throws CheckpointError if the record does not have it.
 */
export function parameterOf(parameters: Parameters, name: string): tf.Tensor {
  const parameter = parameters[name]
  if (parameter === undefined) {
    throw new CheckpointError({
      function: 'parameterOf',
      argument: name,
      expected: 'one of the parameters',
      received: 'missing',
      remedy: "Create the store with every name of the model family's parameterShapes(config, task).",
    })
  }
  return parameter
}

/** What a linear layer may lack or have another way round. */
export interface LinearKind {
  /** Default true. */
  hasBias?: boolean
  /** The weight is [inputs, outputs], as GPT-2 stores it. Default false. */
  isTransposed?: boolean
}

/** The name of a linear layer in the checkpoint, alone or with its kind. */
export type LinearModule = string | (LinearKind & { name: string })

/** `{name}.weight` [outputs, inputs] and `{name}.bias` [outputs] of a PyTorch `Linear`. */
export function linearSpecs(module: LinearModule, outputs: number, inputs: number): ParameterSpecs {
  const {
    name,
    hasBias = true,
    isTransposed = false,
  } = typeof module === 'string' ? { name: module } : module
  return {
    [`${name}.weight`]: { shape: isTransposed ? [inputs, outputs] : [outputs, inputs], initialize: 'normal' },
    ...(hasBias && { [`${name}.bias`]: { shape: [outputs], initialize: 'zeros' } }),
  }
}

/** `{name}.weight` and `{name}.bias` [size] of a PyTorch `LayerNorm`. */
export function layerNormSpecs(name: string, size: number): ParameterSpecs {
  return {
    [`${name}.weight`]: { shape: [size], initialize: 'ones' },
    [`${name}.bias`]: { shape: [size], initialize: 'zeros' },
  }
}

/** `{name}.weight` [rows, size] of a PyTorch `Embedding`. */
export function embeddingSpecs(
  name: string,
  shape: readonly [number, number],
  zeroRow?: number,
): ParameterSpecs {
  return {
    [`${name}.weight`]: { shape, initialize: 'normal', ...(zeroRow === undefined ? {} : { zeroRow }) },
  }
}
