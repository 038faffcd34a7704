import { TfxError } from '@tfx/common'
import { expect } from 'vitest'

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a rejection')
}

/** The error of a call that must fail in a way that tfx means it to. */
export async function refusal(promise: Promise<unknown>): Promise<{ name: string; message: string }> {
  const error = await failureOf(promise)
  expect(error).toBeInstanceOf(TfxError)
  expect((error as TfxError).remedy).toMatch(/\.$|\?$/)
  return { name: error.name, message: error.message }
}
