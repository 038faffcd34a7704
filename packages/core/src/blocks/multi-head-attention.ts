import { tf } from '@tfx/compiler'
import { cachedAttention } from './cached-attention'
import { linearLayer, normLayer, normSpecs, type NormKind } from './layers'
import { linearSpecs, type LinearKind, type Parameters, type ParameterSpecs } from './parameters'
import { applyRotary, rotateOnly, type RotaryTables } from './rotary'
import { scaledAttention, type KeyValues, type ScaledAttentionOptions } from './scaled-attention'

/** Module names of an attention in the checkpoint: three projections, or one that is all three. */
export type AttentionNames = ({ query: string; key: string; value: string } | { fused: string }) & {
  output: string
  /** Norms over the features of each head, before positions. */
  queryNorm?: string
  keyNorm?: string
}

/** The sizes of an attention. */
export interface AttentionSizes {
  readonly hiddenSize: number
  readonly numAttentionHeads: number
  /** Default: as many as query heads. */
  readonly numKeyValueHeads?: number
  /** Features of a head. Default: hidden size / heads. */
  readonly headSize?: number
}

/** Options of {@link multiHeadAttention}. */
export interface MultiHeadAttentionOptions extends Omit<ScaledAttentionOptions, 'bias'> {
  /** See {@link ScaledAttentionOptions}; or a function of the queries and the new keys, by head. */
  bias: tf.Tensor | ((by: { query: tf.Tensor; key: tf.Tensor }) => tf.Tensor)
  names: AttentionNames
  sizes: AttentionSizes
  batch: number
  /** Keys and values of earlier tokens. */
  past?: KeyValues | undefined
  /** Whether the past has room, where the new ones are written: see `cachedAttention`. Default false. */
  pastHasRoom?: boolean | undefined
  /** Keys and values in place of new ones. */
  known?: KeyValues | undefined
  rotary?: RotaryTables | undefined
  norm?: NormKind | undefined
  linear: LinearKind
  /** Whether the projection of the output has a bias. Default: as the others. */
  hasOutputBias?: boolean | undefined
}

/**
 * Attention with its projections: of a sequence to itself, or to a source whose keys and values are known. No residual,
 * no dropout on the output.
 *
 * @param x float32 [batch · queries, hidden]
 * @returns `output` float32 [batch · queries, hidden], and the keys and values with those of the past in front.
 */
export function multiHeadAttention(
  parameters: Parameters,
  x: tf.Tensor,
  options: MultiHeadAttentionOptions,
): { output: tf.Tensor; present: KeyValues } {
  const {
    names,
    rotary,
    norm,
    past,
    pastHasRoom = false,
    known,
    linear,
    hasOutputBias = linear.hasBias,
  } = options
  const projected = projections(parameters, x, options)
  const normed = (name: string | undefined, heads: tf.Tensor) =>
    name === undefined || !norm ? heads : normLayer(parameters, { ...norm, name }, heads)
  const turn = pastHasRoom ? rotateOnly : applyRotary
  const turned = (heads: tf.Tensor) => (rotary ? turn(heads, rotary) : heads)
  const query = turned(normed(names.queryNorm, projected.query()))
  const biasFor = ({ key }: KeyValues) =>
    typeof options.bias === 'function' ? options.bias({ query, key }) : options.bias
  const projectedBack = (context: tf.Tensor) =>
    linearLayer(parameters, { ...withBias(linear, hasOutputBias), name: names.output }, context)
  const attend = (keyValues: KeyValues) =>
    projectedBack(scaledAttention(query, keyValues, { ...options, bias: biasFor(keyValues) }))
  if (known) return { output: attend(known), present: known }
  const own = { key: turned(normed(names.keyNorm, projected.key())), value: projected.value() }
  if (past && pastHasRoom) {
    const { context, present } = cachedAttention({ query, ...own }, past, { ...options, bias: biasFor(own) })
    return { output: projectedBack(context), present }
  }
  const present = past
    ? { key: tf.concat([past.key, own.key], 2), value: tf.concat([past.value, own.value], 2) }
    : own
  return { output: attend(present), present }
}

/**
 * The keys and values that attention to a source takes for known: once for each source, not once for each token.
 *
 * @param source float32 [batch · keys, hidden]
 */
export function sourceKeyValues(
  parameters: Parameters,
  source: tf.Tensor,
  options: Pick<MultiHeadAttentionOptions, 'names' | 'sizes' | 'batch' | 'linear'>,
): KeyValues {
  const { key, value } = projections(parameters, source, options)
  return { key: key(), value: value() }
}

/** Queries, keys and values by head, each [batch, heads, tokens, head size]. */
function projections(
  parameters: Parameters,
  x: tf.Tensor,
  { names, sizes, batch, linear }: Pick<MultiHeadAttentionOptions, 'names' | 'sizes' | 'batch' | 'linear'>,
): Record<'query' | 'key' | 'value', () => tf.Tensor> {
  const { heads, keyValueHeads, headSize } = resolveSizes(sizes)
  const byHead = (rows: tf.Tensor, count: number) =>
    tf.transpose(tf.reshape(rows, [batch, rows.shape[0] / batch, count, headSize]), [0, 2, 1, 3])
  if ('fused' in names) {
    const parts = [heads, keyValueHeads, keyValueHeads].map((count) => count * headSize)
    const [query, key, value] = tf.split(
      linearLayer(parameters, { ...linear, name: names.fused }, x),
      parts,
      1,
    )
    return {
      query: () => byHead(query!, heads),
      key: () => byHead(key!, keyValueHeads),
      value: () => byHead(value!, keyValueHeads),
    }
  }
  const project = (name: string, count: number) => () =>
    byHead(linearLayer(parameters, { ...linear, name }, x), count)
  return {
    query: project(names.query, heads),
    key: project(names.key, keyValueHeads),
    value: project(names.value, keyValueHeads),
  }
}

function resolveSizes({ hiddenSize, numAttentionHeads: heads, numKeyValueHeads, headSize }: AttentionSizes) {
  return { heads, keyValueHeads: numKeyValueHeads ?? heads, headSize: headSize ?? hiddenSize / heads }
}

const withBias = (linear: LinearKind, hasBias: boolean | undefined): LinearKind => ({
  ...linear,
  ...(hasBias !== undefined && { hasBias }),
})

/** The parameters of a {@link multiHeadAttention}. */
export function attentionSpecs(
  names: AttentionNames,
  sizes: AttentionSizes,
  {
    linear,
    hasOutputBias = linear.hasBias,
    norm,
  }: Pick<MultiHeadAttentionOptions, 'linear' | 'hasOutputBias' | 'norm'>,
): ParameterSpecs {
  const { heads, keyValueHeads, headSize } = resolveSizes(sizes)
  const { hiddenSize } = sizes
  const headNorm = (name: string | undefined) =>
    name !== undefined && norm ? normSpecs(name, headSize, norm) : {}
  return {
    ...('fused' in names
      ? linearSpecs({ ...linear, name: names.fused }, (heads + 2 * keyValueHeads) * headSize, hiddenSize)
      : {
          ...linearSpecs({ ...linear, name: names.query }, heads * headSize, hiddenSize),
          ...linearSpecs({ ...linear, name: names.key }, keyValueHeads * headSize, hiddenSize),
          ...linearSpecs({ ...linear, name: names.value }, keyValueHeads * headSize, hiddenSize),
        }),
    ...linearSpecs({ ...withBias(linear, hasOutputBias), name: names.output }, hiddenSize, heads * headSize),
    ...headNorm(names.queryNorm),
    ...headNorm(names.keyNorm),
  }
}
