import { EngineError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import type { CompileOptions, NamedTensors, StepFunction } from './engine'

/** What a step gives: its outputs, and the gradients that were asked for. */
export interface StepResult {
  outputs: NamedTensors
  /** Parameter → gradient; a parameter that the loss does not depend on is absent. */
  gradients: NamedTensors
}

/**
 * Runs a step and, if asked, its backward pass, with tfjs's autograd. While tracing this records
 * both; on an eager engine it computes them.
 *
 * @returns Tensors of their own, even where the step returns an input or the same tensor twice: the
 *   caller may dispose of each. Outputs of a differentiated step are kept beyond the current tidy.
 * @throws EngineError if the output to differentiate is missing or not a scalar.
 */
export function runStep(
  step: StepFunction,
  tensors: { inputs: NamedTensors; parameters: NamedTensors },
  gradients: CompileOptions['gradients'],
): StepResult {
  if (!gradients) return { outputs: clones(step(tensors)), gradients: {} }
  const { of: objective, withRespectTo } = gradients
  const sources = withRespectTo.map((name) => tensors.parameters[name] as tf.Tensor)
  let outputs: NamedTensors = {}
  const forward = () => {
    const results = step(tensors)
    const scalar = checkScalar(results[objective], objective)
    outputs = clones(results)
    for (const tensor of Object.values(outputs)) tf.keep(tensor)
    return scalar
  }
  const { grads } = tf.engine().gradients(forward, sources, undefined, true)
  const named = withRespectTo.flatMap((name, index) => (grads[index] ? [[name, grads[index]] as const] : []))
  return { outputs, gradients: clones(Object.fromEntries(named)) }
}

const clones = (tensors: NamedTensors): NamedTensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.clone(tensor)]))

function checkScalar(tensor: tf.Tensor | undefined, name: string): tf.Tensor {
  if (tensor?.size === 1) return tensor
  throw new EngineError({
    function: 'compile',
    argument: 'gradients.of',
    expected: 'the name of a scalar output of the step',
    received: tensor
      ? `'${name}' of shape [${tensor.shape.join(', ')}]`
      : `'${name}', which the step does not return`,
    remedy: 'Return the loss as a scalar under this name.',
  })
}
