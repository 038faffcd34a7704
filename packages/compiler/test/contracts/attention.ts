import fc from 'fast-check'
import { tf } from '../../src/index'
import type { ContractTable, OpCase } from '../support/contract'
import { opCase, operand, type Values } from '../support/operands'

type Tensors = Record<string, tf.Tensor>

const gradient = 'writing has none'
const fed: Values = { dtypes: ['float32'], role: 'input' }
const run = (name: string, inputs: Tensors, attributes: Record<string, unknown> = {}) =>
  tf.engine().runKernel(name, inputs, attributes as never)

/** Of both halves the same. */
const doubled = (angles: tf.Tensor) => tf.concat([angles, angles], 3)

function rotated({ x, cos, sin }: Tensors): tf.Tensor {
  const [half, size] = [cos!.shape[3]!, x!.shape[3]!]
  const [a, b, rest] = tf.split(x!, [half, half, size - 2 * half], 3) as [tf.Tensor, tf.Tensor, tf.Tensor]
  const turned = [tf.sub(tf.mul(a, cos!), tf.mul(b, sin!)), tf.add(tf.mul(b, cos!), tf.mul(a, sin!))]
  return tf.concat([...turned, ...(size > 2 * half ? [rest] : [])], 3)
}

const rotary: fc.Arbitrary<OpCase> = fc
  .record({
    batch: fc.constantFrom<'batch' | 2>('batch', 2),
    heads: fc.constantFrom(1, 3),
    tokens: fc.constantFrom(1, 4),
    half: fc.constantFrom(1, 3, 8),
    others: fc.constantFrom(0, 1, 2),
  })
  .chain(({ batch, heads, tokens, half, others }) =>
    fc
      .record({
        x: operand([batch, heads, tokens, 2 * half + others], fed),
        cos: operand([batch, 1, tokens, half], fed),
        sin: operand([batch, 1, tokens, half], fed),
      })
      .map((operands) =>
        opCase(
          operands,
          ({ x, cos, sin }) => run('TfxRotary', { x: x!, cos: doubled(cos!), sin: doubled(sin!) }),
          { reference: rotated },
        ),
      ),
  )

/** Hides the tokens behind each. */
function causal(tokens: number, total: number): tf.Tensor {
  const columns = tf.reshape(tf.range(0, total, 1, 'float32'), [1, 1, 1, total])
  const rows = tf.reshape(tf.range(total - tokens, total, 1, 'float32'), [1, 1, tokens, 1])
  return tf.mul(tf.cast(tf.greater(columns, rows), 'float32'), -1e9)
}

interface Attention {
  scale: number
  softcap?: number
}

function attended(inputs: Tensors, { scale, softcap }: Attention): tf.Tensor[] {
  const { query, key, value, pastKey, pastValue, bias } = inputs as Required<Tensors>
  const [batch, heads, tokens, size] = query!.shape as [number, number, number, number]
  const [, groups, room] = pastKey!.shape as [number, number, number]
  const total = bias!.shape[3]!
  const joined = (past: tf.Tensor, own: tf.Tensor) =>
    total === tokens
      ? own
      : tf.concat([tf.slice(past, [0, 0, 0, 0], [batch, groups, total - tokens, size]), own], 2)
  const [keys, values] = [joined(pastKey!, key!), joined(pastValue!, value!)]
  const repeated = (x: tf.Tensor) =>
    tf.reshape(tf.tile(tf.expandDims(x, 2), [1, 1, heads / groups, 1, 1]), [batch, heads, total, size])
  const products = tf.mul(tf.matMul(query!, repeated(keys), false, true), scale)
  const capped = softcap === undefined ? products : tf.mul(tf.tanh(tf.div(products, softcap)), softcap)
  const scores = tf.add(tf.add(capped, bias!), causal(tokens, total))
  const context = tf.transpose(tf.matMul(tf.softmax(scores), repeated(values)), [0, 2, 1, 3])
  // What lies behind the new tokens does not matter; onnxruntime clears it where it does not write in place.
  const present = [keys, values].map((x) =>
    tf.pad(x, [
      [0, 0],
      [0, 0],
      [0, room - total],
      [0, 0],
    ]),
  )
  return [tf.reshape(context, [batch * tokens, heads * size]), ...present]
}

const cachedAttention: fc.Arbitrary<OpCase> = fc
  .record({
    batch: fc.constantFrom<'batch' | 2>('batch', 2),
    groups: fc.constantFrom(1, 2),
    perGroup: fc.constantFrom(1, 3),
    size: fc.constantFrom(8, 16),
    // A prompt, or a token behind others.
    tokens: fc.constantFrom(1, 5),
    before: fc.constantFrom(0, 3),
    spare: fc.constantFrom(0, 4),
    isBiasShared: fc.boolean(),
    softcap: fc.constantFrom(undefined, 2),
  })
  .chain(({ batch, groups, perGroup, size, tokens, before, spare, isBiasShared, softcap }) => {
    const heads = groups * perGroup
    const total = tokens + (tokens === 1 ? before : 0)
    const own = operand([batch, groups, tokens, size], fed)
    const past = operand([batch, groups, total + spare, size], fed)
    const attributes: Attention = { scale: 0.3, ...(softcap !== undefined && { softcap }) }
    return fc
      .record({
        query: operand([batch, heads, tokens, size], fed),
        ...{ key: own, value: own, pastKey: past, pastValue: past },
        bias: operand(isBiasShared ? [1, 1, tokens, total] : [batch, heads, tokens, total], fed),
      })
      .map((operands) =>
        opCase(
          operands,
          (inputs) => {
            const bias = tf.add(inputs.bias!, causal(tokens, total))
            return run('TfxCachedAttention', { ...inputs, bias }, { ...attributes })
          },
          { reference: (inputs) => attended(inputs, attributes), attributes },
        ),
      )
  })

/** Private kernels of writing token by token. */
export const attentionContracts: ContractTable = {
  TfxRotary: { cases: rotary, gradient },
  TfxCachedAttention: { cases: cachedAttention, gradient, tolerance: { absolute: 1e-5, relative: 1e-5 } },
}
