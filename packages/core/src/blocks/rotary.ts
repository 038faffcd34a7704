import { isTracing, tf } from '@tfx/compiler'

/** How positions turn pairs of features: `rope_parameters` of config.json. */
export interface RopeParameters {
  readonly type: 'default' | 'linear' | 'llama3' | 'yarn' | 'longrope'
  /** Base of the wavelengths. */
  readonly theta: number
  /** Share of each head's features that is turned. */
  readonly partialRotaryFactor: number
  /** By how much the context was extended. */
  readonly factor?: number
  /** What cosines and sines are multiplied with, where it is not derived from the factor. */
  readonly attentionFactor?: number
  /** Positions that the model was trained with before its context was extended. */
  readonly originalMaxPositionEmbeddings?: number
  readonly lowFrequencyFactor?: number
  readonly highFrequencyFactor?: number
  readonly betaFast?: number
  readonly betaSlow?: number
  readonly mscale?: number
  readonly mscaleAllDim?: number
  readonly truncate?: boolean
  /** Of each wavelength, for inputs within the original positions. */
  readonly shortFactor?: readonly number[]
  /** Of each wavelength, for longer inputs. */
  readonly longFactor?: readonly number[]
}

/** Cosines and sines of the angles by which features are turned, float32 [batch, 1, sequence, turned features]. */
export interface RotaryTables {
  readonly cos: tf.Tensor
  readonly sin: tf.Tensor
}

/**
 * The tables of rotary position embeddings (Su et al. 2021, [RoFormer](https://arxiv.org/abs/2104.09864)) and their
 * extensions to longer contexts: linear ([Chen et al. 2023](https://arxiv.org/abs/2306.15595)), Llama 3.1, YaRN
 * ([Peng et al. 2023](https://arxiv.org/abs/2309.00071)) and LongRoPE ([Ding et al. 2024](https://arxiv.org/abs/2402.13753)).
 *
 * @param positions int32 [batch, sequence]
 */
export function rotaryTables(
  positions: tf.Tensor,
  { rope, headSize }: { rope: RopeParameters; headSize: number },
): RotaryTables {
  const [batch, sequence] = positions.shape as [number, number]
  const column = tf.reshape(tf.cast(positions, 'float32'), [batch, 1, sequence, 1])
  const half = tf.mul(column, inverseFrequencies(positions, rope, headSize))
  const angles = tf.concat([half, half], -1)
  const scale = attentionFactor(rope)
  const scaled = (x: tf.Tensor) => (scale === 1 ? x : tf.mul(x, scale))
  return { cos: scaled(tf.cos(angles)), sin: scaled(tf.sin(angles)) }
}

/**
 * Turns the features of each position, the first half of them paired with the second; features beyond the tables'
 * stay as they are.
 *
 * @param x float32 [batch, heads, sequence, head size]
 */
export function applyRotary(x: tf.Tensor, { cos, sin }: RotaryTables): tf.Tensor {
  const turned = cos.shape[3]!
  const [batch, heads, sequence, headSize] = x.shape as [number, number, number, number]
  if (turned === headSize) return rotate(x, cos, sin)
  const part = (start: number, size: number) => tf.slice(x, [0, 0, 0, start], [batch, heads, sequence, size])
  return tf.concat([rotate(part(0, turned), cos, sin), part(turned, headSize - turned)], -1)
}

/** {@link applyRotary} without a gradient: one node while tracing. */
export function rotateOnly(x: tf.Tensor, tables: RotaryTables): tf.Tensor {
  return isTracing()
    ? tf.engine().runKernel<tf.Tensor>('TfxRotary', { x, ...tables })
    : applyRotary(x, tables)
}

/** The gradient of a rotation is the rotation back, not the slices' and concatenation's own. */
function rotate(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const turn = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc]
    save([cos, sin])
    return {
      value: tf.add(tf.mul(x, cos), tf.mul(rotateHalf(x), sin)),
      gradFunc: (dy, saved) => {
        const [cos, sin] = saved as [tf.Tensor, tf.Tensor]
        return tf.sub(tf.mul(dy, cos), tf.mul(rotateHalf(dy), sin))
      },
    }
  })
  return turn(x)
}

/** (a, b) → (−b, a) */
function rotateHalf(x: tf.Tensor): tf.Tensor {
  const [batch, heads, sequence, size] = x.shape as [number, number, number, number]
  const half = (start: number) => tf.slice(x, [0, 0, 0, start], [batch, heads, sequence, size / 2])
  return tf.concat([tf.neg(half(size / 2)), half(0)], -1)
}

/** Angle per position of each pair of features, float32 [pairs]. */
function inverseFrequencies(positions: tf.Tensor, rope: RopeParameters, headSize: number): tf.Tensor {
  const size = Math.floor(headSize * rope.partialRotaryFactor)
  // The last feature of an odd number is turned with one more, as in transformers.
  const plain = Array.from({ length: Math.ceil(size / 2) }, (_, pair) => rope.theta ** ((-2 * pair) / size))
  const { factor = 1, shortFactor = [], longFactor = [], originalMaxPositionEmbeddings = Infinity } = rope
  switch (rope.type) {
    case 'default':
      return tf.tensor1d(plain)
    case 'linear':
      return tf.tensor1d(plain.map((frequency) => frequency / factor))
    case 'llama3':
      return tf.tensor1d(plain.map((frequency) => llama3Frequency(frequency, rope)))
    case 'yarn':
      return tf.tensor1d(yarnFrequencies(plain, rope))
    case 'longrope': {
      const scaled = (factors: readonly number[]) =>
        tf.tensor1d(plain.map((frequency, pair) => frequency / factors[pair]!))
      const isLong = tf.greaterEqual(tf.max(positions), tf.scalar(originalMaxPositionEmbeddings, 'int32'))
      return tf.where(isLong, scaled(longFactor), scaled(shortFactor))
    }
  }
}

/** Long wavelengths are stretched, short ones stay, those between are a mixture. */
function llama3Frequency(frequency: number, rope: RopeParameters): number {
  const {
    factor = 1,
    lowFrequencyFactor = 1,
    highFrequencyFactor = 4,
    originalMaxPositionEmbeddings = 0,
  } = rope
  const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI)
  if (turns > highFrequencyFactor) return frequency
  if (turns < lowFrequencyFactor) return frequency / factor
  const smooth = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
  return ((1 - smooth) * frequency) / factor + smooth * frequency
}

/** A ramp over the pairs between interpolated and plain frequencies. */
function yarnFrequencies(plain: readonly number[], rope: RopeParameters): number[] {
  const { theta, factor = 1, betaFast = 32, betaSlow = 1, originalMaxPositionEmbeddings = 0 } = rope
  const size = 2 * plain.length
  const pairOf = (turns: number) =>
    (size * Math.log(originalMaxPositionEmbeddings / (turns * 2 * Math.PI))) / (2 * Math.log(theta))
  const isTruncated = rope.truncate ?? true
  const low = Math.max(isTruncated ? Math.floor(pairOf(betaFast)) : pairOf(betaFast), 0)
  const end = Math.min(isTruncated ? Math.ceil(pairOf(betaSlow)) : pairOf(betaSlow), size - 1)
  const high = end === low ? end + 0.001 : end
  return plain.map((frequency, pair) => {
    const ramp = Math.min(1, Math.max(0, (pair - low) / (high - low)))
    return (frequency / factor) * ramp + frequency * (1 - ramp)
  })
}

function attentionFactor(rope: RopeParameters): number {
  const { type, factor = 1, mscale, mscaleAllDim, originalMaxPositionEmbeddings = 0 } = rope
  if (type !== 'yarn' && type !== 'longrope') return 1
  if (rope.attentionFactor !== undefined) return rope.attentionFactor
  if (type === 'longrope') {
    return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositionEmbeddings))
  }
  const scaleOf = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1)
  return mscale && mscaleAllDim ? scaleOf(mscale) / scaleOf(mscaleAllDim) : scaleOf(1)
}
