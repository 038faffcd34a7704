import { TraceError } from '@tfx/common'
import type { ConstantValue, GraphNode, InputValue, NodeValue, Size, Value } from './graph'
import type { GraphProgram } from './program'
import { type AxisSizes, type SymbolSolver, symbolSolver } from './symbolic'

/**
 * Merges traces of one function at different sizes into one graph whose sizes are expressions over
 * named axes. Two traces determine each expression and every further one verifies it; with three,
 * a wrong guess (5 = batch, or 7 − 2 = sequence − 2?) does not survive.
 *
 * @param programs The finished traces, at least three.
 * @param sizes The size of every axis in each of them.
 * @throws TraceError if the traces differ in more than sizes, for instance because an array was
 *   computed in JavaScript from a size.
 */
export function unify(programs: readonly GraphProgram[], sizes: readonly AxisSizes[]): GraphProgram {
  const first = programs[0]!
  const solver = symbolSolver(sizes)
  if (programs.some((program) => program.nodes.length !== first.nodes.length)) {
    throw mismatch('a graph', `of ${programs.map(({ nodes }) => nodes.length).join(', ')} nodes`)
  }
  const merged = new Merger(solver)
  const inputs = first.inputs.map((input, index) =>
    merged.input(
      input,
      programs.map((program) => program.inputs[index]),
    ),
  )
  const nodes = first.nodes.map((node, index) =>
    merged.node(
      node,
      programs.map((program) => program.nodes[index]!),
    ),
  )
  const names = (program: GraphProgram) => program.outputs.map(({ name }) => name).join(', ')
  if (programs.some((program) => names(program) !== names(first))) {
    throw mismatch('the outputs', programs.map(names).join(' and '))
  }
  const outputs = first.outputs.map(({ name }, index) => ({
    name,
    value: merged.value(
      programs.map((program) => program.outputs[index]?.value),
      `output '${name}'`,
    )!,
  }))
  return { nodes, inputs, outputs, sparse: first.sparse }
}

function mismatch(where: string, received: string): TraceError {
  return new TraceError({
    function: 'unify',
    argument: where,
    expected: 'the same in every trace but for sizes',
    received,
    remedy:
      'Build whatever depends on a size from tensors (tf.range, tf.ones, shapes), not from JavaScript arrays or conditions.',
  })
}

/** Builds the unified values while walking the traces in lockstep. */
class Merger {
  /** A value of any trace → the unified value. */
  private readonly unified = new Map<Value, Value>()

  constructor(private readonly solver: SymbolSolver) {}

  input(input: InputValue, versions: readonly (InputValue | undefined)[]): InputValue {
    if (versions.some((version) => version?.name !== input.name))
      throw mismatch('the inputs', `'${input.name}' in one`)
    const symbolicShape = this.shape(versions as InputValue[], `input '${input.name}'`)
    return this.bind({ ...input, symbolicShape }, versions as InputValue[])
  }

  node(node: GraphNode, versions: readonly GraphNode[]): GraphNode {
    const where = `'${node.op}'`
    if (versions.some(({ op }) => op !== node.op)) {
      throw mismatch('a node', versions.map(({ op }) => op).join(', '))
    }
    const attributes = JSON.stringify(node.attributes)
    if (versions.some((version) => JSON.stringify(version.attributes) !== attributes)) {
      throw mismatch(
        `the attributes of ${where}`,
        versions.map((v) => JSON.stringify(v.attributes)).join(', '),
      )
    }
    const outputs: NodeValue[] = []
    const merged: GraphNode = {
      ...node,
      inputs: node.inputs.map((_, index) =>
        this.value(
          versions.map(({ inputs }) => inputs[index]),
          where,
        ),
      ),
      sizes: Object.fromEntries(
        Object.keys(node.sizes).map((name) => [
          name,
          this.sizes(
            versions.map(({ sizes }) => sizes[name] as readonly number[]),
            `${name} of ${where}`,
          ),
        ]),
      ),
      outputs,
    }
    node.outputs.forEach((output, index) => {
      const results = versions.map((version) => version.outputs[index]!)
      const symbolicShape = this.shape(results, `the shape of ${where}`)
      outputs.push(this.bind({ ...output, node: merged, symbolicShape }, results))
    })
    return merged
  }

  value(versions: readonly (Value | undefined)[], where: string): Value | undefined {
    const [first] = versions
    if (first === undefined) return undefined
    if (first.kind === 'constant') return this.constant(versions as ConstantValue[], where)
    const unified = this.unified.get(first)
    if (!unified || versions.some((version) => !version || this.unified.get(version) !== unified)) {
      throw mismatch(where, 'different wiring')
    }
    return unified
  }

  private constant(versions: readonly ConstantValue[], where: string): ConstantValue {
    const first = versions[0]!
    if (versions.some((version) => (version as Value | undefined)?.kind !== 'constant'))
      throw mismatch(where, 'a constant in one trace only')
    if (first.splat === undefined) {
      const same = (other: ConstantValue) =>
        other.data?.length === first.data?.length &&
        other.data?.every((element, index) => element === first.data?.[index])
      if (!versions.every(same))
        throw mismatch(`a constant array in ${where}`, 'contents that depend on the sizes')
      return first
    }
    const splats = versions.map(({ splat }) => splat!)
    const symbolicShape = this.shape(versions, `a constant of ${where}`)
    if (splats.every((splat) => Object.is(splat, splats[0]))) return { ...first, symbolicShape }
    const symbolicSplat = this.solver.scalar(splats) ?? this.solver.size(splats)
    if (symbolicSplat === undefined || typeof symbolicSplat === 'number')
      throw mismatch(`a constant of ${where}`, splats.join(', '))
    return { ...first, symbolicShape, symbolicSplat }
  }

  private shape(versions: readonly Value[], where: string): readonly Size[] {
    return this.sizes(
      versions.map(({ shape }) => shape),
      where,
    )
  }

  private sizes(versions: readonly (readonly number[])[], where: string): readonly Size[] {
    const first = versions[0]!
    if (versions.some(({ length }) => length !== first.length))
      throw mismatch(where, 'lists of different lengths')
    return first.map((_, index) => {
      const values = versions.map((version) => version[index]!)
      const size = this.solver.size(values)
      if (size === undefined) throw mismatch(where, values.join(', '))
      return size
    })
  }

  private bind<V extends Value>(unified: V, versions: readonly Value[]): V {
    for (const version of versions) this.unified.set(version, unified)
    return unified
  }
}
