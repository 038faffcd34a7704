/** What every tfx failure states, so that its reader can act without a search. */
export interface TfxErrorDetails {
  /** The public function that failed, for instance `transfer`. */
  function: string
  /** The argument, file, column or field that was wrong. */
  argument?: string
  /** What would have been accepted. */
  expected?: string
  /** What came instead. */
  received?: string
  /** What to do about it: one full sentence. */
  remedy?: string
  /** The error underneath, when there is one. */
  cause?: unknown
}

const marker = Symbol.for('tfx.error')

/**
 * The base of every error that tfx throws on purpose.
 *
 * The message is composed from the fields, always in the same order:
 * `transfer: 'dataset' must be …, but got …. Do this.`
 *
 * @example
 * ```ts
 * try { … } catch (error) {
 *   if (isTfxError(error)) console.error(error.code, error.remedy)
 * }
 * ```
 */
export class TfxError extends Error {
  /** A stable, machine-readable name of the kind of failure, for instance `ERR_TFX_DATA`. */
  readonly code: string = 'ERR_TFX'
  readonly function: string
  readonly argument: string | undefined
  readonly expected: string | undefined
  readonly received: string | undefined
  readonly remedy: string | undefined

  constructor(details: TfxErrorDetails) {
    super(composeMessage(details), details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.function = details.function
    this.argument = details.argument
    this.expected = details.expected
    this.received = details.received
    this.remedy = details.remedy
    Object.defineProperty(this, marker, { value: true })
  }
}

/** True for every error that tfx throws on purpose, also across duplicate copies of the package. */
export function isTfxError(error: unknown): error is TfxError {
  return typeof error === 'object' && error !== null && marker in error
}

function composeMessage({ function: caller, argument, expected, received, remedy }: TfxErrorDetails): string {
  let problem = argument === undefined ? '' : `'${argument}' `
  if (expected !== undefined) problem += `must be ${expected}`
  if (received !== undefined) problem += expected === undefined ? `is ${received}` : `, but got ${received}`
  const sentence = problem.trim().replace(/\.$/, '')
  return [`${caller}: ${sentence === '' ? 'failed' : sentence}.`, remedy].filter(Boolean).join(' ')
}

/** An argument or option has the wrong type or value. */
export class ArgumentError extends TfxError {
  override readonly code = 'ERR_TFX_ARGUMENT'
}

/** A data set cannot be read or cannot be learned from. */
export class DataError extends TfxError {
  override readonly code = 'ERR_TFX_DATA'
}

/** A checkpoint is missing, corrupt, or of a kind that is not supported. */
export class CheckpointError extends TfxError {
  override readonly code = 'ERR_TFX_CHECKPOINT'
}

/** A base could not be fetched: no network, no such repository, no permission. */
export class NetworkError extends TfxError {
  override readonly code = 'ERR_TFX_NETWORK'
}

/** A function cannot be traced, or traces cannot be unified. */
export class TraceError extends TfxError {
  override readonly code = 'ERR_TFX_TRACE'
}

/** An engine is missing, does not work here, or failed while running. */
export class EngineError extends TfxError {
  override readonly code = 'ERR_TFX_ENGINE'
}

/** Training cannot go on: the loss or a gradient is not a number. */
export class TrainingError extends TfxError {
  override readonly code = 'ERR_TFX_TRAINING'
}

/** A file or directory cannot be written: no space, no permission, not empty. */
export class FileSystemError extends TfxError {
  override readonly code = 'ERR_TFX_FILE_SYSTEM'
}

/** The caller's `AbortSignal` fired. */
export class AbortedError extends TfxError {
  override readonly code = 'ERR_TFX_ABORTED'
}

/**
 * Throws an `AbortedError` if the signal has fired.
 *
 * @throws AbortedError; ArgumentError on what is no signal, such as its controller: it would never fire.
 */
export function throwIfAborted(signal: AbortSignal | null | undefined, caller: string): void {
  if (signal === undefined || signal === null) return
  if (typeof (signal.aborted as unknown) !== 'boolean') {
    throw new ArgumentError({
      function: caller,
      argument: 'signal',
      expected: 'an AbortSignal',
      received: signal instanceof AbortController ? 'an AbortController' : typeof signal,
      remedy: 'Pass the `signal` of an AbortController.',
    })
  }
  if (!signal.aborted) return
  throw new AbortedError({
    function: caller,
    received: 'stopped by its AbortSignal',
    cause: signal.reason,
  })
}
