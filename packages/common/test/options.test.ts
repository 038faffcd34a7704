import { describe, expect, it } from 'vitest'
import { ArgumentError, checkIsOptions, checkSwitch, describeValue } from '../src/index'

describe('options', () => {
  it.each([null, undefined, 5, '', () => 1])('that are no object are refused: %o', (given) => {
    const call = () => checkIsOptions(given, { caller: 'f' })
    expect(call).toThrow(ArgumentError)
    expect(call).toThrow(`f: 'options' must be an object, but got ${describeValue(given)}`)
  })

  it('that are an object pass', () => {
    checkIsOptions({}, { caller: 'f' })
  })
})

describe('switches', () => {
  it.each([null, 0, 'false', [], () => true])('that are neither true nor false are refused: %o', (given) => {
    const call = () => checkSwitch(given, { caller: 'f', argument: 'loud' })
    expect(call).toThrow(ArgumentError)
    expect(call).toThrow("f: 'loud' must be true or false")
  })

  it.each([true, false, undefined])('pass: %o', (given) => {
    checkSwitch(given, { caller: 'f', argument: 'loud' })
  })
})
