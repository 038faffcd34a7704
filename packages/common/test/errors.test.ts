import { describe, expect, it } from 'vitest'
import * as common from '../src/index'
import {
  AbortedError,
  ArgumentError,
  isTfxError,
  TfxError,
  throwIfAborted,
  type TfxErrorDetails,
} from '../src/index'

describe('the message of an error', () => {
  it.each<[TfxErrorDetails, string]>([
    [{ function: 'f' }, 'f: failed.'],
    [{ function: 'f', remedy: 'Do this.' }, 'f: failed. Do this.'],
    [{ function: 'f', argument: 'x', expected: 'a number' }, "f: 'x' must be a number."],
    [{ function: 'f', argument: 'x', received: 'null' }, "f: 'x' is null."],
    [{ function: 'f', received: 'stopped' }, 'f: is stopped.'],
    [
      { function: 'f', argument: 'x', expected: 'a number', received: 'null.', remedy: 'Do this.' },
      "f: 'x' must be a number, but got null. Do this.",
    ],
  ])('%j', (details, message) => {
    expect(new TfxError(details).message).toBe(message)
  })
})

describe('an error', () => {
  const cause = new Error('underneath')
  const details = { function: 'f', argument: 'x', expected: 'a', received: 'b', remedy: 'Do this.', cause }

  it('has its parts as fields', () => {
    const error = new ArgumentError(details)
    expect(error).toMatchObject({ ...details, name: 'ArgumentError', code: 'ERR_TFX_ARGUMENT' })
    expect(error).toBeInstanceOf(TfxError)
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).toBe("ArgumentError: f: 'x' must be a, but got b. Do this.")
    expect('cause' in new TfxError({ function: 'f' })).toBe(false)
  })

  it('is known from others, also one of another copy of the package', () => {
    expect(isTfxError(new ArgumentError(details))).toBe(true)
    const ofAnotherCopy = Object.assign(new Error('x'), { [Symbol.for('tfx.error')]: true })
    expect(isTfxError(ofAnotherCopy)).toBe(true)
    for (const other of [new Error('x'), null, undefined, 'x', 1, {}]) expect(isTfxError(other)).toBe(false)
    expect(Object.keys(new ArgumentError(details))).not.toContain('tfx.error')
  })

  it('has a code of its own for each class', () => {
    const classes = Object.entries(common).filter(([name]) => /^[A-Z]\w*Error$/.test(name)) as [
      string,
      typeof TfxError,
    ][]
    expect(classes.length).toBe(10)
    const codes = classes.map(([name, Class]) => {
      const error = new Class({ function: 'f' })
      expect(error.name).toBe(name)
      return error.code
    })
    expect(new Set(codes).size).toBe(codes.length)
    for (const code of codes) expect(code).toMatch(/^ERR_TFX(_[A-Z]+)*$/)
  })
})

describe('throwIfAborted', () => {
  it('lets pass what was not aborted', () => {
    throwIfAborted(undefined, 'f')
    throwIfAborted(new AbortController().signal, 'f')
  })

  it.each([new AbortController(), 5, {}, 'signal'])('refuses what would never fire: %o', (other) => {
    const call = () => throwIfAborted(other as never, 'transfer')
    expect(call).toThrow(ArgumentError)
    expect(call).toThrow("transfer: 'signal' must be an AbortSignal, but got")
  })

  it('throws with the reason as its cause', () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    controller.abort(reason)
    const call = () => throwIfAborted(controller.signal, 'transfer')
    expect(call).toThrow(AbortedError)
    expect(call).toThrow(
      expect.objectContaining({ message: 'transfer: is stopped by its AbortSignal.', cause: reason }),
    )
  })
})
