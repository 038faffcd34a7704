import type { Graph, NodeValue, Traced } from '../graph'
import { reshape, slice, transpose } from '../ops/shape'
import { materialize } from '../ops/values'
import type { KernelTable } from './kernel'

/**
 * Private kernels of writing token by token: one node where plain ops are a dozen. `@tfx/core` calls them while tracing.
 */
export const attentionKernels: KernelTable = {
  /**
   * inputs x [batch, heads, tokens, size], cos and sin [batch, 1, tokens, turned], whose halves are equal
   * → x with its first features turned
   */
  TfxRotary: ({ graph, inputs }) => {
    const { x, cos, sin } = inputs as { x: Traced; cos: Traced; sin: Traced }
    const [batch, heads, tokens, size] = x.shape as [number, number, number, number]
    const turned = cos.shape[3]!
    const rows = batch * tokens
    const limits = { start: [0], limit: [rows], delta: [1] }
    const counted = graph.single({ op: 'Range', inputs: [], sizes: limits, shape: [rows], dtype: 'int64' })
    const table = (angles: Traced) => {
      const half = [batch, 1, tokens, turned / 2]
      return reshape(graph, slice(graph, angles, { begin: [0, 0, 0, 0], size: half }), [rows, turned / 2])
    }
    const [byToken, positions, ...tables] = [
      featuresByToken(graph, x),
      reshape(graph, counted, [batch, tokens]),
      table(cos),
      table(sin),
    ].map((value) => materialize(graph, value))
    const result = graph.single({
      op: 'RotaryEmbedding',
      domain: 'com.microsoft',
      inputs: [byToken, positions, ...tables],
      attributes: { num_heads: heads, ...(turned < size && { rotary_embedding_dim: turned }) },
      shape: byToken!.shape,
      dtype: x.dtype,
    })
    return transpose(graph, reshape(graph, result, [batch, tokens, heads, size]), [0, 2, 1, 3])
  },
  /**
   * inputs query, key, value [batch, heads, tokens, size], pastKey, pastValue [batch, heads, room, size], and bias,
   * broadcast over [batch, heads, tokens, total]; attributes scale, softcap. The room holds total − tokens columns; size is
   * a multiple of 8.
   * → context [batch · tokens, heads · size], and the past with key and value behind its columns: in place if the outputs are fed
   * as the past
   */
  TfxCachedAttention: ({ graph, inputs, attributes }) => {
    const { query, key, value, pastKey, pastValue, bias } = inputs as Record<string, Traced>
    const [batch, heads, tokens, size] = query!.shape as [number, number, number, number]
    const total = bias!.shape[3]!
    const { scale, softcap } = attributes as { scale: number; softcap?: number }
    const [context, ...present] = graph.node({
      op: 'GroupQueryAttention',
      domain: 'com.microsoft',
      inputs: [
        ...[query!, key!, value!].map((x) => featuresByToken(graph, x)),
        ...[pastKey!, pastValue!],
        ...[graph.splat(total - 1, [batch], 'int32'), graph.splat(total, [], 'int32')],
        // Cosines, sines and positions.
        ...[undefined, undefined, undefined],
        bias,
      ].map((input) => input && materialize(graph, input)),
      attributes: {
        num_heads: heads,
        kv_num_heads: key!.shape[1]!,
        scale: { float: scale },
        ...(softcap !== undefined && { softcap: { float: softcap } }),
      },
      outputs: [
        { shape: [batch, tokens, heads * size], dtype: 'float32' },
        ...[pastKey!, pastValue!].map(({ shape, dtype }) => ({ shape, dtype })),
      ],
    }) as [NodeValue, NodeValue, NodeValue]
    return [reshape(graph, context, [batch * tokens, heads * size]), ...present]
  },
}

/** [batch, heads, tokens, size] → [batch, tokens, heads · size] */
function featuresByToken(graph: Graph, x: Traced): Traced {
  const [batch, heads, tokens, size] = x.shape as [number, number, number, number]
  return reshape(graph, transpose(graph, x, [0, 2, 1, 3]), [batch, tokens, heads * size])
}
