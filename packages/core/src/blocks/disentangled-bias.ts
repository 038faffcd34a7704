import { tf } from '@tfx/compiler'
import { linearLayer, dropoutLayer } from './layers'
import type { Parameters } from './parameters'

/** What scores of positions are made of, and from what. */
export interface DisentangledOptions {
  /** Module names of the projections of positions: as keys for content → position, as queries for the other way. */
  names: { positionKey?: string; positionQuery?: string }
  /** The embeddings of relative positions, float32 [2 · span, hidden]. */
  relativeEmbeddings: tf.Tensor
  /** The row of each pair of tokens, see {@link relativeRows}. */
  rows: RelativeRows
  /** What scores are multiplied with. */
  scale: number
  /** Rate on the embeddings. */
  dropout: number
  training: boolean
}

/** int32 [sequence, sequence] each: the row of query − key, and of its opposite. */
export interface RelativeRows {
  readonly forth: tf.Tensor
  readonly back: tf.Tensor
}

/**
 * The scores of DeBERTa that depend on positions (He et al. 2020, [DeBERTa](https://arxiv.org/abs/2006.03654), 3.1):
 * what a token's content says to a relative position, and a relative position to a token's content.
 *
 * @param query float32 [batch, heads, sequence, head size], as all of attention
 * @returns float32 [batch, heads, sequence, sequence]
 */
export function disentangledBias(
  parameters: Parameters,
  { query, key }: { query: tf.Tensor; key: tf.Tensor },
  { names, relativeEmbeddings, rows, scale, dropout, training }: DisentangledOptions,
): tf.Tensor {
  const [, heads, , headSize] = query.shape as [number, number, number, number]
  const dropped = dropoutLayer(relativeEmbeddings, dropout, training)
  const count = relativeEmbeddings.shape[0]
  /** Content times the projected positions, float32 [batch, heads, sequence, positions]. */
  const against = (content: tf.Tensor, name: string) => {
    const byHead = tf.reshape(linearLayer(parameters, name, dropped), [1, count, heads, headSize])
    const positions = tf.tile(tf.transpose(byHead, [0, 2, 1, 3]), [content.shape[0], 1, 1, 1])
    return tf.matMul(tf.mul(content, scale), positions, false, true)
  }
  const parts: tf.Tensor[] = []
  if (names.positionKey !== undefined) parts.push(pickRows(against(query, names.positionKey), rows.forth))
  if (names.positionQuery !== undefined) {
    const perKey = pickRows(against(key, names.positionQuery), rows.back)
    parts.push(tf.transpose(perKey, [0, 1, 3, 2]))
  }
  return parts.reduce((sum, part) => tf.add(sum, part))
}

/** x[…, i, index[i, j]] at […, i, j]: gathers whole columns of the batch, since the index is the same for all of it. */
function pickRows(x: tf.Tensor, index: tf.Tensor): tf.Tensor {
  const [batch, heads, sequence, count] = x.shape as [number, number, number, number]
  const flat = tf.reshape(x, [batch * heads, sequence * count])
  const starts = tf.reshape(tf.range(0, sequence * count, count, 'int32'), [sequence, 1])
  const places = tf.reshape(tf.add(index, starts), [sequence * sequence])
  const picked = tf.gather(tf.transpose(flat, [1, 0]), places)
  return tf.reshape(tf.transpose(picked, [1, 0]), [batch, heads, sequence, sequence])
}

/** How distances become rows of an embedding. */
export interface RelativeRowOptions {
  /** The largest distance in tokens that is told apart. */
  readonly maxDistance: number
  /** Distances share logarithmic buckets, this many on each side; 0: none do. */
  readonly buckets: number
}

/** The rows of all pairs of tokens; the sequence may be symbolic. */
export function relativeRows(sequence: number, { maxDistance, buckets }: RelativeRowOptions): RelativeRows {
  const span = buckets > 0 ? buckets : maxDistance
  const positions = tf.range(0, sequence, 1, 'int32')
  const offset = tf.sub(tf.expandDims(positions, 1), tf.expandDims(positions, 0))
  const table = tf.tensor1d(bucketTable(maxDistance, buckets), 'int32')
  const last = tf.scalar(maxDistance, 'int32')
  const distance = tf.reshape<tf.Rank.R1>(tf.minimum(tf.abs(offset), last), [sequence * sequence])
  const bucket = tf.gather(table, distance)
  const signed = tf.mul(tf.reshape(bucket, [sequence, sequence]), tf.sign(offset))
  const row = (relative: tf.Tensor) =>
    tf.clipByValue(tf.add(relative, tf.scalar(span, 'int32')), 0, 2 * span - 1)
  return { forth: row(signed), back: row(tf.neg(signed)) }
}

/** `make_log_bucket_position` of transformers for every distance, in float32 as there: the steps fall on its roundings. */
function bucketTable(maxDistance: number, buckets: number): Int32Array {
  const middle = Math.floor(buckets / 2)
  const whole = Math.fround(Math.log(Math.fround((maxDistance - 1) / middle)))
  return Int32Array.from({ length: maxDistance + 1 }, (_, distance) => {
    if (buckets <= 0 || distance <= middle) return distance
    const share = Math.fround(Math.fround(Math.log(Math.fround(distance / middle))) / whole)
    return Math.ceil(Math.fround(share * (middle - 1))) + middle
  })
}
