import { isTracing, tf } from '@tfx/compiler'
import { scaledAttention, type KeyValues, type ScaledAttentionOptions } from './scaled-attention'

/** The features of a head in a cache: the kernel takes multiples of 8, the last ones are 0. */
export const cachedHeadSize = (headSize: number): number => Math.ceil(headSize / 8) * 8

/**
 * Attention of new tokens to those in a cache and to themselves, without dropout. The cache has room: the new keys and
 * values take their places behind the tokens that it holds, as many as there are keys in the bias less the new ones.
 * While tracing it is one node, which writes in place if it is told to write to what it reads.
 *
 * @param own float32 [batch, heads, tokens, head size] each
 * @param past float32 [batch, key/value heads, room, {@link cachedHeadSize}] each
 * @returns `context` float32 [batch · tokens, heads · head size], and the cache with the new tokens.
 */
export function cachedAttention(
  own: KeyValues & { readonly query: tf.Tensor },
  past: KeyValues,
  { bias, scale, softcap }: Pick<ScaledAttentionOptions, 'bias' | 'scale' | 'softcap'>,
): { context: tf.Tensor; present: KeyValues } {
  const [batch, heads, tokens, headSize] = own.query.shape as [number, number, number, number]
  const size = past.key.shape[3]!
  const [query, key, value] = [own.query, own.key, own.value].map((x) => withFeatures(x, size))
  const options = { bias, scale: scale ?? 1 / Math.sqrt(headSize), softcap }
  const attend = isTracing() ? asOneNode : composed
  const { context, present } = attend({ query: query!, key: key!, value: value! }, past, options)
  if (size === headSize) return { context, present }
  const byHead = tf.reshape(context, [batch * tokens, heads, size])
  const cut = tf.slice(byHead, [0, 0, 0], [batch * tokens, heads, headSize])
  return { context: tf.reshape(cut, [batch * tokens, heads * headSize]), present }
}

const withFeatures = (x: tf.Tensor, size: number) => {
  const missing = size - x.shape[3]!
  const paddings: [number, number][] = [
    ...Array.from({ length: 3 }, (): [number, number] => [0, 0]),
    [0, missing],
  ]
  return missing === 0 ? x : tf.pad(x, paddings)
}

type Attend = (
  own: KeyValues & { readonly query: tf.Tensor },
  past: KeyValues,
  options: Pick<ScaledAttentionOptions, 'bias' | 'softcap'> & { readonly scale: number },
) => { context: tf.Tensor; present: KeyValues }

const asOneNode: Attend = ({ query, key, value }, past, { bias, scale, softcap }) => {
  const [context, presentKey, presentValue] = tf
    .engine()
    .runKernel<tf.Tensor[]>(
      'TfxCachedAttention',
      { query, key, value, pastKey: past.key, pastValue: past.value, bias },
      { scale, ...(softcap !== undefined && { softcap }) },
    ) as [tf.Tensor, tf.Tensor, tf.Tensor]
  return { context, present: { key: presentKey, value: presentValue } }
}

const composed: Attend = ({ query, key, value }, past, options) => {
  const total = options.bias.shape[3]!
  const [batch, heads, room, size] = past.key.shape as [number, number, number, number]
  const before = total - query.shape[2]!
  const joined = (held: tf.Tensor, added: tf.Tensor) =>
    tf.concat([tf.slice(held, [0, 0, 0, 0], [batch, heads, before, size]), added], 2)
  const all = { key: joined(past.key, key), value: joined(past.value, value) }
  const withRoom = (x: tf.Tensor) =>
    tf.pad(x, [
      [0, 0],
      [0, 0],
      [0, room - total],
      [0, 0],
    ])
  return {
    context: scaledAttention(query, all, { ...options, dropout: 0, training: false }),
    present: { key: withRoom(all.key), value: withRoom(all.value) },
  }
}
