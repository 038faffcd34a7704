import {
  AbortedError,
  ArgumentError,
  CheckpointError,
  DataError,
  EngineError,
  FileSystemError,
  isTfxError,
  NetworkError,
  TfxError,
  type TfxErrorDetails,
  TraceError,
  TrainingError,
} from '@tfx/common'
import { type FitResult, TrainingAbortedError } from '@tfx/train'

/** An error as it travels between threads. */
export type SentError =
  /** Thrown by a listener, a data source or an abort of the caller: there it is the same object again. */
  | { readonly kind: 'reference'; readonly reference: number }
  | {
      readonly kind: 'error'
      readonly isTfx: boolean
      readonly message: string
      readonly name: string
      readonly stack: string | undefined
      /** Its own fields, such as `code`. */
      readonly fields: Readonly<Record<string, unknown>>
      readonly cause?: SentError
    }
  | { readonly kind: 'value'; readonly value: unknown }

const tfxErrors = {
  AbortedError,
  ArgumentError,
  CheckpointError,
  DataError,
  EngineError,
  FileSystemError,
  NetworkError,
  TraceError,
  TrainingError,
}

/** What the caller's thread threw, by number, so that it gets back what it threw and not a copy. */
export interface ThrownValues {
  send(thrown: unknown): SentError
  get(reference: number): unknown
}

export function createThrownValues(): ThrownValues {
  const values: unknown[] = []
  return {
    send: (thrown) => ({ kind: 'reference', reference: values.push(thrown) - 1 }),
    get: (reference) => values[reference],
  }
}

// Stands in the model's thread for what the caller's thread threw.
const references = new WeakMap<Error, number>()

/** What stands for an error of the caller's thread. */
export function standIn(sent: SentError): Error {
  const error = new Error("thrown in the caller's thread")
  if (sent.kind === 'reference') references.set(error, sent.reference)
  return error
}

/** Prepares anything that was thrown to travel. */
export function sendError(thrown: unknown): SentError {
  if (!(thrown instanceof Error))
    return { kind: 'value', value: isCloneable(thrown) ? thrown : String(thrown) }
  const reference = references.get(thrown)
  if (reference !== undefined) return { kind: 'reference', reference }
  const { message, name, stack, cause } = thrown
  const fields = Object.fromEntries(Object.entries(thrown).filter(([, value]) => isCloneable(value)))
  return {
    kind: 'error',
    isTfx: isTfxError(thrown),
    message,
    name,
    stack,
    fields,
    ...(cause !== undefined && { cause: sendError(cause) }),
  }
}

/** What was thrown in the other thread: of the same class, with the same fields and causes. */
export function receiveError(sent: SentError, thrown: ThrownValues): unknown {
  if (sent.kind === 'reference') return thrown.get(sent.reference)
  if (sent.kind === 'value') return sent.value
  const cause = sent.cause && receiveError(sent.cause, thrown)
  const error = sent.isTfx ? tfxError(sent, cause) : new Error(sent.message, { cause })
  const { name, stack, message } = sent
  if (error.name !== name) define(error, { name })
  define(error, { message, stack })
  return Object.assign(error, sent.fields)
}

function tfxError({ name, fields }: Extract<SentError, { kind: 'error' }>, cause: unknown): Error {
  if (name === 'TrainingAbortedError') return new TrainingAbortedError(fields.result as FitResult, cause)
  const Kind = Object.hasOwn(tfxErrors, name) ? tfxErrors[name as keyof typeof tfxErrors] : TfxError
  return new Kind({ ...(fields as unknown as TfxErrorDetails), cause })
}

function define(error: Error, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false })
  }
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}
