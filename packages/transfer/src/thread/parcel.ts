import type { SentError } from './errors'

const kindKey = '@tfx/parcel'

/** What stands in a message for a value that cannot be copied, or that is too large to be copied at once. */
export type Parcel =
  | { readonly [kindKey]: 'signal'; readonly id: number; readonly aborted?: SentError }
  /** A function that is told things. */
  | { readonly [kindKey]: 'listener'; readonly id: number }
  | { readonly [kindKey]: 'stream'; readonly source: number }
  /** Rows of `@tfx/data`, with where each stands. */
  | { readonly [kindKey]: 'rows'; readonly source: number; readonly name: string }
  /** An array of many elements. */
  | { readonly [kindKey]: 'list'; readonly source: number }
  | ModelParcel

/** A model that stays in its thread. */
export interface ModelParcel {
  readonly [kindKey]: 'model'
  readonly id: number
  /** Its fields, in the thread that gets it first. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly methods: readonly string[]
  /** Those of its methods that are async generators. */
  readonly streams: readonly string[]
}

/** A call of a function of the thread, or of a method of a model that is there. */
export interface Call {
  readonly model?: number
  readonly method: string
  readonly values: readonly unknown[]
}

/** What came of a call. */
export type Outcome =
  | { readonly value: unknown }
  /** With what was learned until then. */
  | { readonly error: SentError; readonly learned?: ModelParcel }

/** What is no longer needed after a call. */
export interface Released {
  readonly signals: readonly number[]
  readonly listeners: readonly number[]
  readonly sources: readonly number[]
}

type Kind = Parcel[typeof kindKey]

/** Marks what stands for something else. */
export function parcel<K extends Kind>(
  kind: K,
  contents: Omit<Extract<Parcel, Record<typeof kindKey, K>>, typeof kindKey>,
): Extract<Parcel, Record<typeof kindKey, K>> {
  return { [kindKey]: kind, ...contents } as never
}

/** What kind of parcel a value is, if it is one. */
export function parcelKind(value: unknown): Kind | undefined {
  return typeof value === 'object' && value !== null ? (value as Partial<Parcel>)[kindKey] : undefined
}

/** Whether an object is made of its fields alone. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
