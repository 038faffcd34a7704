import { type GraphNode, liveNodes, type NodeValue, type Value } from '../graph'
import { type GraphProgram, prune } from '../program'
import { foldScales } from './fold-scales'
import { fuseBias } from './fuse-bias'
import { chooseSegments, type Segments } from './segments'
import { addCopy, addNode } from './write-nodes'

/** Options of {@link recompute}. */
export interface RecomputeOptions {
  /** Names of the outputs of the forward pass, the loss among them. All others count as gradients. */
  readonly results: readonly string[]
  /** Names of the inputs that the forward pass begins with: what is fed, not the parameters. */
  readonly sources: readonly string[]
  /** The most segments to make, at least 2. Default: as many as there are narrow places, two in a transformer layer. */
  readonly segments?: number | undefined
}

/**
 * Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): of the forward pass only what passes from one segment to
 * another is kept. The backward pass computes the inside of each segment once more when it comes to it, but for the last,
 * with which it begins. The numbers stay the same. Memory is that of the borders and of one segment; time grows by less
 * than a forward pass, since what no gradient needs, such as the product that ends a segment, is not repeated.
 *
 * A runtime is free to repeat early, which saves nothing, or to share equal nodes, which undoes it all. So a segment is
 * computed again from values that come after every gradient of the segments behind it (`After` and `Done`, see
 * `onnx/order.ts`), and its gradients come after those as well.
 */
export function recompute(
  program: GraphProgram,
  { results, sources, segments: count }: RecomputeOptions,
): GraphProgram {
  // First, so that a product and its bias are one node, in the original and in the copy.
  const { nodes, inputs, outputs, sparse } = fuseBias(foldScales(program))
  const wanted = outputs.flatMap(({ name, value }) => (results.includes(name) ? [value] : []))
  const forward = liveNodes({ nodes: [...nodes] }, wanted)
  const begin = inputs.filter(({ name }) => sources.includes(name))
  const segments = chooseSegments({ nodes: forward, results: wanted, sources: begin }, count)
  const kept = new Set<Value>([...inputs, ...wanted, ...valuesBetween(forward, segments)])
  /** True for what is not kept for the backward pass. */
  const isDropped = (value: Value): boolean => {
    const segment = value.kind === 'node' ? segments.of.get(value.node) : undefined
    return segment !== undefined && segment < segments.count - 1 && !kept.has(value)
  }
  const repeated = nodesToRepeat(nodes, segments, isDropped)
  const stages = stagesOf(nodes, segments, isDropped)
  const passedOn = new Set<Value>([...outputs.map(({ value }) => value), ...valuesBetween(nodes, stages)])

  const written = [...forward]
  const renewed = new Map<Value, Value>()
  const current = (value: Value): Value => (kept.has(value) ? value : (renewed.get(value) ?? value))
  let before = wanted
  for (let stage = segments.count - 1; stage >= 0; stage--) {
    const { sign, after } = stageOrder(written, before)
    const renew = (node: GraphNode, isEarlier: (value: Value) => boolean) => {
      const copies = addCopy(written, node, (value) =>
        isEarlier(value) ? after(current(value)) : current(value),
      )
      node.outputs.forEach((output, index) => renewed.set(output, copies[index]!))
    }
    for (const node of repeated) {
      if (segments.of.get(node) === stage) renew(node, (value) => kept.has(value))
    }
    const own = nodes.filter((node) => stages.of.get(node) === stage)
    for (const node of own) {
      renew(node, (value) => value.kind === 'node' && (stages.of.get(value.node) ?? stage) > stage)
    }
    const finished = own.flatMap((node) => node.outputs.filter((output) => passedOn.has(output)))
    before = [sign(), ...finished.map(current)]
  }
  const renewedOutputs = outputs.map(({ name, value }) => ({ name, value: current(value) }))
  return { ...prune({ nodes: written, inputs }, renewedOutputs), sparse }
}

/** The forward nodes, in order, without which the backward pass lacks something that is dropped. */
function nodesToRepeat(
  nodes: readonly GraphNode[],
  segments: Segments,
  isDropped: (value: Value) => boolean,
): GraphNode[] {
  const lacking = new Set<Value>()
  const found: GraphNode[] = []
  for (const node of nodes.toReversed()) {
    const isLacking = node.outputs.some((output) => lacking.has(output))
    if (isLacking) found.push(node)
    if (!isLacking && segments.of.has(node)) continue
    for (const value of node.inputs) if (value && isDropped(value)) lacking.add(value)
  }
  return found.reverse()
}

/** What nodes of one group take from another group. */
function valuesBetween(nodes: readonly GraphNode[], { of }: Pick<Segments, 'of'>): Value[] {
  return nodes.flatMap((node) =>
    node.inputs.filter((value): value is NodeValue => {
      const from = value?.kind === 'node' ? of.get(value.node) : undefined
      return from !== undefined && of.has(node) && from !== of.get(node)
    }),
  )
}

/** The segment whose repetition each node of the backward pass waits for: it is the first that it depends on. */
function stagesOf(
  nodes: readonly GraphNode[],
  segments: Segments,
  isDropped: (value: Value) => boolean,
): Pick<Segments, 'of'> {
  const of = new Map<GraphNode, number>()
  const last = segments.count - 1
  for (const node of nodes) {
    if (segments.of.has(node)) continue
    const stages = node.inputs.map((value) => {
      if (value?.kind !== 'node') return last
      return (isDropped(value) ? segments.of : of).get(value.node) ?? last
    })
    of.set(node, Math.min(last, ...stages))
  }
  return { of }
}

/** Makes the values of one stage wait for those of the stages before it. */
function stageOrder(nodes: GraphNode[], before: readonly Value[]) {
  const waiting = new Map<Value, Value>()
  let known: NodeValue | undefined
  const sign = () =>
    (known ??= addNode(nodes, { op: 'Done', inputs: before, output: { shape: [0], dtype: 'int64' } }))
  const after = (value: Value): Value => {
    const made = waiting.get(value) ?? addNode(nodes, { op: 'After', inputs: [value, sign()], output: value })
    waiting.set(value, made)
    return made
  }
  return { sign, after }
}
