import type { TokenHistory } from './history'

/**
 * The hypotheses of beam search as a tree: a beam is a node, and its tokens are the way to the root. Beams
 * share their common beginnings, so a step costs one node per beam, whatever the length.
 */
export interface TokenTree {
  /** Adds a token after `parent` and returns the new node. `root` is the parent of first tokens. */
  add(parent: number, token: number): number
  /** The tokens from the root to a node, oldest first. */
  path(node: number): number[]
  /** The sequence that ends in `node`, after its prompt. Valid until the next call of `history`. */
  history(node: number, start: { prompt: number; padding: number; ids: Int32Array }): TokenHistory
}

/** The node before every first token. */
export const root = -1

/** An empty {@link TokenTree}. */
export function createTokenTree(): TokenTree {
  let tokens = new Int32Array(256)
  let parents = new Int32Array(256)
  let depths = new Int32Array(256)
  let size = 0
  let buffer = new Int32Array(0)
  const depthOf = (node: number) => (node === root ? 0 : depths[node]!)

  // Writes the path that ends in `node` so that its last token stands at `end - 1`.
  const write = (target: Int32Array | number[], node: number, end: number) => {
    for (let at = node, position = end - 1; at !== root; at = parents[at]!) {
      target[position--] = tokens[at]!
    }
  }
  return {
    add(parent, token) {
      if (size === tokens.length) {
        tokens = doubled(tokens)
        parents = doubled(parents)
        depths = doubled(depths)
      }
      tokens[size] = token
      parents[size] = parent
      depths[size] = depthOf(parent) + 1
      return size++
    },
    path(node) {
      const path = new Array<number>(depthOf(node))
      write(path, node, path.length)
      return path
    },
    history(node, { prompt, padding, ids }) {
      const length = ids.length + depthOf(node)
      return {
        prompt,
        length,
        padding,
        fromEnd(distance) {
          let at = node
          for (let step = 1; step < distance && at !== root; step++) at = parents[at]!
          return at === root ? ids[length - distance]! : tokens[at]!
        },
        // Most processors never ask for all tokens, so the way to the root is walked only on demand.
        tokens() {
          if (buffer.length < length) buffer = new Int32Array(2 * length)
          buffer.set(ids)
          write(buffer, node, length)
          return buffer.subarray(0, length)
        },
      }
    },
  }
}

function doubled(values: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * values.length)
  larger.set(values)
  return larger
}
