import { expect, test } from 'vitest'
import { finiteDifference } from '../src'

test('agrees with a gradient known in closed form', async () => {
  // f(x, y) = x² y + 3 y, so ∂f/∂x = 2 x y and ∂f/∂y = x² + 3.
  const gradient = await finiteDifference(([x = 0, y = 0]) => x * x * y + 3 * y, [1.5, -2])
  expect(gradient).toBeAllClose([-6, 5.25], { absolute: 1e-4 })
})

test('awaits functions that compute elsewhere', async () => {
  const gradient = await finiteDifference(([x = 0]) => Promise.resolve(x ** 3), [2], 1e-3)
  expect(gradient).toBeAllClose([12], { absolute: 1e-3 })
})
