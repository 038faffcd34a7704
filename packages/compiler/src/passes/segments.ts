import type { GraphNode, Value } from '../graph'

/** Forward nodes, cut into segments that follow on each other. */
export interface Segments {
  /** How many there are. */
  readonly count: number
  /** The segment of every forward node, from 0. */
  readonly of: ReadonlyMap<GraphNode, number>
}

/** What {@link chooseSegments} looks at. */
export interface ForwardPart {
  /** In topological order. */
  readonly nodes: readonly GraphNode[]
  /** What the forward part is for: the loss, and whatever else is returned. */
  readonly results: readonly Value[]
  /** Inputs that the computation begins with: token ids, say. */
  readonly sources: readonly Value[]
}

/** The node that stands for the end of everything. */
const end = Infinity
const products = new Set(['MatMul', 'Gemm', 'FusedMatMul'])

/**
 * Cuts the forward part where it is narrow: at nodes that every path from a source to the results goes through (its
 * post-dominators; Cooper, Harvey and Kennedy 2001), such as the sums behind the attention and the feed-forward network of
 * each layer. Of several such nodes with no matrix product between them it takes the first, so that what follows cheaply
 * from it, as a norm does, belongs to the next segment.
 *
 * @param count The most segments to make, evenly spaced over the cuts. Default: one for every cut.
 */
export function chooseSegments({ nodes, results, sources }: ForwardPart, count = Infinity): Segments {
  const next = postDominators(nodes, results)
  const positions = new Map(nodes.map((node, position) => [node, position]))
  const narrow = new Set(
    sources.flatMap((source) => {
      const users = nodes.flatMap((node, position) => (node.inputs.includes(source) ? [position] : []))
      return users.length === 0
        ? []
        : chain(
            next,
            users.reduce((a, b) => meet(next, a, b)),
          )
    }),
  )
  const isBehindProduct = new Set(
    nodes.flatMap(({ op }, position) => (products.has(op) ? [firstIn(next, narrow, position)] : [])),
  )
  const cuts = [...narrow].filter((position) => isBehindProduct.has(position)).sort((a, b) => a - b)
  const chosen = new Map(spread(cuts, count - 1).map((position, segment) => [position, segment]))
  const of = new Map<GraphNode, number>()
  for (const [node, position] of positions) {
    of.set(node, chosen.get(firstIn(next, chosen, position)) ?? chosen.size)
  }
  return { count: chosen.size + 1, of }
}

/** For each node, by position, the first node that all paths from it to the results go through. */
function postDominators(nodes: readonly GraphNode[], results: readonly Value[]): number[] {
  const wanted = new Set(results)
  const next: number[] = []
  const users = consumerPositions(nodes)
  for (let position = nodes.length - 1; position >= 0; position--) {
    const { outputs } = nodes[position]!
    const ends = outputs.some((output) => wanted.has(output)) ? [end] : []
    const after = [...outputs.flatMap((output) => users.get(output) ?? []), ...ends]
    next[position] = after.reduce((a, b) => meet(next, a, b))
  }
  return next
}

function consumerPositions(nodes: readonly GraphNode[]): Map<Value, number[]> {
  const users = new Map<Value, number[]>()
  nodes.forEach(({ inputs }, position) => {
    for (const input of inputs) {
      if (input === undefined) continue
      const known = users.get(input)
      if (known) known.push(position)
      else users.set(input, [position])
    }
  })
  return users
}

/** Where the ways from two nodes to the end meet. */
function meet(next: readonly number[], a: number, b: number): number {
  let [first, second] = [a, b]
  while (first !== second) {
    if (first < second) first = next[first]!
    else second = next[second]!
  }
  return first
}

/** A node and all that its paths have in common. */
function chain(next: readonly number[], start: number): number[] {
  const found: number[] = []
  for (let position = start; position !== end; position = next[position]!) found.push(position)
  return found
}

/** The first of `marked` on the way from a node to the end, the node included. */
function firstIn(next: readonly number[], marked: { has(position: number): boolean }, start: number): number {
  let position = start
  while (position !== end && !marked.has(position)) position = next[position]!
  return position
}

/** At most `count` of the items, evenly spaced. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (count >= items.length) return [...items]
  return Array.from(
    { length: count },
    (_, index) => items[Math.round(((index + 1) * items.length) / (count + 1)) - 1]!,
  )
}
