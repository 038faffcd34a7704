import { expect, test } from 'vitest'
import { toBeAllClose } from '../src'

test('accepts what lies within the tolerance', () => {
  expect(new Float32Array([1, 2, 0])).toBeAllClose([1 + 1e-6, 2 - 1e-6, 1e-7])
  expect([100]).toBeAllClose([101], { absolute: 0, relative: 0.01 })
  expect([Infinity, NaN]).toBeAllClose([Infinity, NaN])
  expect([]).toBeAllClose([])
})

test('rejects by the sum of the absolute and the relative tolerance', () => {
  expect([1.3]).not.toBeAllClose([1], { absolute: 0.1, relative: 0.1 })
  expect([1.15]).toBeAllClose([1], { absolute: 0.1, relative: 0.1 })
})

test('names the worst element and both values', () => {
  const { pass, message } = toBeAllClose([1, 2.5, 4], [1, 2, 3], { absolute: 0.1, relative: 0 })
  expect(pass).toBe(false)
  expect(message()).toBe(
    '2 of 3 elements differ by more than 0.1 + 0 · |expected|; the worst is [2]: expected 3, but got 4',
  )
})

test('a NaN, an infinity or another length is never close', () => {
  const worst = toBeAllClose([5, NaN], [1, 1])
  expect(worst.pass).toBe(false)
  expect(worst.message()).toContain('the worst is [1]: expected 1, but got NaN')
  expect([1]).not.toBeAllClose([Infinity])
  expect([Infinity]).not.toBeAllClose([-Infinity])
  expect(toBeAllClose([1], [1, 2]).message()).toBe('expected 2 elements, but got 1')
})
