import { expect } from 'vitest'
import { toBeAllClose, type Tolerance } from './all-close'

expect.extend({ toBeAllClose })

declare module 'vitest' {
  interface Matchers<T> {
    /**
     * Every element is within `absolute + relative · |expected|` of the expected one
     * (by default 1e-6 and 1e-5); the failure names the worst element.
     */
    toBeAllClose: (expected: ArrayLike<number>, tolerance?: Tolerance) => T
  }
}
