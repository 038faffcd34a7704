import { EngineError } from '@tfx/common'
import { isTracing } from '@tfx/compiler'
import type { CompileOptions, MemoryStore, ParameterStore, TensorStore } from './engine'

interface Stores {
  memory: MemoryStore
  tensor: TensorStore
}

/**
 * Checks what a step is compiled with.
 *
 * @param kind The kind of store that the engine works on.
 * @returns The store.
 * @throws EngineError if the store is of another engine, has no `gradient` slot though gradients are
 *   wanted, or does not have a parameter that is to be differentiated; on gradient checkpointing that it cannot do; or
 *   inside a traced function.
 */
export function checkCompile<Kind extends ParameterStore['kind']>(
  { parameters, gradients, gradientCheckpointing = false }: CompileOptions,
  kind: Kind,
): Stores[Kind] | undefined {
  if (isTracing()) throw misuse('compile', 'called outside of traced functions', 'a call inside of one')
  if (parameters && parameters.kind !== kind) {
    throw misuse(
      'parameters',
      `a store of this engine (${kind})`,
      `one of another engine (${parameters.kind})`,
    )
  }
  if (gradients && !parameters?.slots.includes('gradient')) {
    const received = parameters ? `one with the slots ${parameters.slots.join(', ')}` : 'none'
    throw misuse('parameters', "a store with a 'gradient' slot", received)
  }
  const unknown = gradients?.withRespectTo.find((name) => !(name in parameters!.shapes))
  if (unknown !== undefined) {
    throw misuse('gradients.withRespectTo', 'names of parameters in the store', `'${unknown}'`)
  }
  if (gradients?.withRespectTo.length === 0) {
    throw misuse('gradients.withRespectTo', 'the names of some parameters', 'none')
  }
  const narrow = gradients?.withRespectTo.find(
    (name) => parameters?.kind === 'memory' && parameters.narrow(name),
  )
  if (narrow !== undefined) {
    throw misuse('gradients.withRespectTo', 'parameters that are kept as float32', `'${narrow}'`)
  }
  checkCheckpointing(gradientCheckpointing, kind)
  return parameters as Stores[Kind] | undefined
}

function checkCheckpointing(
  option: CompileOptions['gradientCheckpointing'] & {},
  kind: ParameterStore['kind'],
): void {
  if (option === false) return
  if (kind !== 'memory') {
    throw new EngineError({
      function: 'compile',
      argument: 'gradientCheckpointing',
      expected: 'false on a tfjs engine, which runs steps as they are',
      received: 'asked for',
      remedy: "Leave it out, or choose the compiled engine with setEngine('onnx').",
    })
  }
  if (option === true || (Number.isInteger(option.segments) && option.segments >= 2)) return
  throw new EngineError({
    function: 'compile',
    argument: 'gradientCheckpointing.segments',
    expected: 'an integer of at least 2',
    received: String(option.segments),
    remedy: 'Pass true for a segment at every narrow place of the model.',
  })
}

const misuse = (argument: string, expected: string, received: string) =>
  new EngineError({
    function: 'compile',
    argument,
    expected,
    received,
    remedy: "Create the store by engine.createStore(shapes, ['gradient', …]) of the engine that compiles.",
  })

/** The error of running a program after its end. */
export const disposedProgram = (): EngineError =>
  new EngineError({
    function: 'run',
    argument: 'program',
    expected: 'one that is not disposed of',
    received: 'one that was',
    remedy: 'Compile the step again.',
  })
