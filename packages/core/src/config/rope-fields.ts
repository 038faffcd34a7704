import type { RopeParameters } from '../blocks/rotary'
import { choiceField, configError, type ConfigJson } from './config-fields'
import type { LayerType } from './decoder-config'

const ropeTypes: readonly RopeParameters['type'][] = ['default', 'linear', 'llama3', 'yarn', 'longrope']

/** config.json name → field, of the numbers that a type may have. */
const numberFields = {
  factor: 'factor',
  attention_factor: 'attentionFactor',
  original_max_position_embeddings: 'originalMaxPositionEmbeddings',
  low_freq_factor: 'lowFrequencyFactor',
  high_freq_factor: 'highFrequencyFactor',
  beta_fast: 'betaFast',
  beta_slow: 'betaSlow',
  mscale: 'mscale',
  mscale_all_dim: 'mscaleAllDim',
} as const

const listFields = { short_factor: 'shortFactor', long_factor: 'longFactor' } as const

const requiredFields: Readonly<Record<RopeParameters['type'], readonly string[]>> = {
  default: [],
  linear: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor'],
  yarn: ['factor'],
  longrope: ['short_factor', 'long_factor'],
}

/** What rotary positions are read from, beside the field itself. */
export interface RopeContext {
  readonly theta: number
  readonly maxPositionEmbeddings: number
  readonly partialRotaryFactor?: number | undefined
  /** `original_max_position_embeddings` beside the field, which goes first. */
  readonly originalMaxPositionEmbeddings?: number | undefined
  /** Turned features of a head, to check lists of factors. */
  readonly headSize: number
  /** Whether the family turns a share of the features where they are not scaled; others turn all. Default false. */
  readonly isPartial?: boolean
  /** Whether `yarn` is an old name of LongRoPE, as for Phi-3. Default false. */
  readonly namesLongRopeYarn?: boolean
}

/**
 * The rotary positions of one kind of layer: `rope_parameters` of transformers 5, `rope_scaling` of 4.
 *
 * @param value The object; undefined and null mean the plain ones.
 * @throws CheckpointError if a field is wrong, or of a type that tfx does not compute.
 */
export function parseRope(field: string, value: unknown, context: RopeContext): RopeParameters {
  const given = value ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw configError(field, { expected: 'an object', received: value })
  }
  const json = given as ConfigJson
  const named = json.rope_type ?? json.type
  const isLong = named === 'su' || (named === 'yarn' && context.namesLongRopeYarn === true)
  const spelled = { rope_type: isLong ? 'longrope' : named }
  const type = choiceField(spelled, 'rope_type', { choices: ropeTypes, fallback: 'default' })
  const share = positive(json, 'partial_rotary_factor', context.partialRotaryFactor ?? 1)
  const rope: Record<string, unknown> = {
    type,
    theta: positive(json, 'rope_theta', context.theta),
    partialRotaryFactor: type === 'default' && context.isPartial !== true ? 1 : share,
  }
  if (type === 'default') return rope as unknown as RopeParameters
  for (const [name, key] of Object.entries(numberFields)) {
    if ((json[name] ?? undefined) !== undefined) rope[key] = positive(json, name)
  }
  for (const [name, key] of Object.entries(listFields)) {
    if (type === 'longrope') rope[key] = factors(json, name, Math.floor(context.headSize * share))
  }
  if (typeof json.truncate === 'boolean') rope.truncate = json.truncate
  const missing = requiredFields[type].find((name) => (json[name] ?? undefined) === undefined)
  if (missing !== undefined && !(missing === 'factor' && type === 'yarn')) {
    throw configError(`${field}.${missing}`, { expected: 'a number', received: undefined })
  }
  if (type !== 'linear') {
    const original = context.originalMaxPositionEmbeddings ?? rope.originalMaxPositionEmbeddings
    rope.originalMaxPositionEmbeddings = original ?? context.maxPositionEmbeddings
    rope.factor ??= context.maxPositionEmbeddings / (rope.originalMaxPositionEmbeddings as number)
  }
  return rope as unknown as RopeParameters
}

/** The `rope_scaling` of rotary positions, or undefined for the plain ones. Both transformers 4 and 5 read it. */
export function formatRopeScaling(rope: RopeParameters): Record<string, unknown> | undefined {
  if (rope.type === 'default') return undefined
  const fields: Record<string, unknown> = { rope_type: rope.type }
  for (const [name, key] of Object.entries({
    ...numberFields,
    ...listFields,
    truncate: 'truncate' as const,
  })) {
    if (rope[key] !== undefined) fields[name] = rope[key]
  }
  return fields
}

/** The `rope_parameters` of transformers 5, by type of layer. */
export function formatRopesByType(ropes: Readonly<Record<LayerType, RopeParameters>>): object {
  const format = (rope: RopeParameters) => ({
    rope_type: 'default',
    ...formatRopeScaling(rope),
    rope_theta: rope.theta,
    ...(rope.partialRotaryFactor !== 1 && { partial_rotary_factor: rope.partialRotaryFactor }),
  })
  return Object.fromEntries(Object.entries(ropes).map(([type, rope]) => [type, format(rope)]))
}

/** A field's object, or an empty one. */
export const asFields = (value: unknown): ConfigJson =>
  typeof value === 'object' && value !== null ? (value as ConfigJson) : {}

function positive(json: ConfigJson, field: string, fallback?: number): number {
  const value = json[field] ?? fallback
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw configError(field, { expected: 'a number above 0', received: value })
}

function factors(json: ConfigJson, field: string, turned: number): number[] {
  if (turned % 2 !== 0) {
    const expected = `no list, since an odd number of features, ${turned}, is turned`
    throw configError(field, { expected, received: json[field] })
  }
  const count = turned / 2
  const value = json[field]
  const isValid = (factor: unknown) => typeof factor === 'number' && factor > 0
  if (Array.isArray(value) && value.length === count && value.every(isValid)) return value as number[]
  throw configError(field, { expected: `a list of ${count} numbers above 0`, received: value })
}
