import { CheckpointError } from '@tfx/common'

/** A parsed config.json. */
export type ConfigJson = Readonly<Record<string, unknown>>

/** The error of one field of config.json. */
export function configError(
  field: string,
  { expected, received, remedy }: { expected: string; received: unknown; remedy?: string },
): CheckpointError {
  return new CheckpointError({
    function: 'readConfig',
    argument: field,
    expected,
    received: received === undefined ? 'missing' : JSON.stringify(received),
    remedy: remedy ?? "Correct the field in the checkpoint's config.json, or choose another checkpoint.",
  })
}

/**
 * A whole number of at least `minimum`.
 *
 * @param fallback What Hugging Face takes when the field is absent.
 * @throws CheckpointError
 */
export function integerField(
  json: ConfigJson,
  field: string,
  { fallback, minimum = 1 }: { fallback?: number; minimum?: number } = {},
): number {
  const value = json[field] ?? fallback
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum) return value
  throw configError(field, { expected: `a whole number of at least ${minimum}`, received: value })
}

/** A dropout rate in [0, 1). @throws CheckpointError */
export function rateField(json: ConfigJson, field: string, fallback: number): number {
  const value = json[field] ?? fallback
  if (typeof value === 'number' && value >= 0 && value < 1) return value
  throw configError(field, { expected: 'a rate of at least 0 and below 1', received: value })
}

/** A number above 0. @throws CheckpointError */
export function positiveField(json: ConfigJson, field: string, fallback: number): number {
  const value = json[field] ?? fallback
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw configError(field, { expected: 'a number above 0', received: value })
}

/** One of some strings. @throws CheckpointError */
export function choiceField<T extends string>(
  json: ConfigJson,
  field: string,
  { choices, fallback }: { choices: readonly T[]; fallback: T },
): T {
  const value = json[field] ?? fallback
  const choice = choices.find((candidate) => candidate === value)
  if (choice !== undefined) return choice
  throw configError(field, {
    expected: `one of ${choices.join(', ')}`,
    received: value,
    remedy: 'tfx does not compute this variant; choose a checkpoint without it.',
  })
}

/**
 * Refuses a value that would change what the model computes.
 *
 * @param accepted What the field may be; absent and null are always accepted.
 * @throws CheckpointError
 */
export function requireField(json: ConfigJson, field: string, accepted: string | boolean): void {
  const value = json[field] ?? accepted
  if (value === accepted) return
  throw configError(field, {
    expected: JSON.stringify(accepted),
    received: value,
    remedy: 'tfx does not compute this variant; choose a checkpoint without it.',
  })
}

/** True or false. @throws CheckpointError */
export function booleanField(json: ConfigJson, field: string, fallback: boolean): boolean {
  const value = json[field] ?? fallback
  if (typeof value === 'boolean') return value
  throw configError(field, { expected: 'true or false', received: value })
}

/** A number above 0, or undefined where the field is null, or absent without a fallback. @throws CheckpointError */
export function optionalPositiveField(
  json: ConfigJson,
  field: string,
  fallback?: number,
): number | undefined {
  const value = json[field] === undefined ? fallback : json[field]
  return value === undefined || value === null ? undefined : positiveField(json, field, fallback ?? 1)
}
