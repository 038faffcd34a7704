import { mixSeed, sizeOf, type HostTensor } from '@tfx/common'
import { loadFixture } from '@tfx/testing'
import { expect } from 'vitest'

/** A tensor of `fixtures/backend`; its forms are described in make_fixtures.py. */
interface FixtureTensor {
  shape: number[]
  dtype?: 'int32'
  data?: number[]
  formula?: { seed: number; scale?: number; offset?: number; below?: number; ignoreEvery?: number }
  sample?: { stride: number; data: number[] }
  points?: { indices: number[]; data: number[] }
  largest?: number
}

/** One op at one size, as PyTorch computes it. */
export interface FixtureCase {
  name: string
  attributes: Record<string, number | string | boolean | number[]>
  inputs: Record<string, FixtureTensor>
  upstream: FixtureTensor
  outputs: Record<string, FixtureTensor>
  gradients: Record<string, FixtureTensor>
}

export const loadCases = (op: string): FixtureCase[] =>
  loadFixture<{ cases: FixtureCase[] }>(`backend/${op}`).cases

/** All elements of an input. */
export function toHostTensor({ shape, dtype, data, formula }: FixtureTensor): HostTensor {
  if (dtype === 'int32')
    return { dtype, shape, data: data ? Int32Array.from(data) : integers(shape, formula) }
  return { dtype: 'float32', shape, data: data ? Float32Array.from(data) : floats(shape, formula) }
}

function floats(
  shape: number[],
  { seed = 0, scale = 1, offset = 0 }: NonNullable<FixtureTensor['formula']> = { seed: 0 },
) {
  return Float32Array.from({ length: sizeOf(shape) }, (_, index) => {
    return offset + scale * ((2 * mixSeed(seed, index)) / 4294967296 - 1)
  })
}

function integers(shape: number[], formula: FixtureTensor['formula']) {
  const { seed = 0, below = 1, ignoreEvery } = formula ?? {}
  return Int32Array.from({ length: sizeOf(shape) }, (_, index) => {
    return ignoreEvery !== undefined && index % ignoreEvery === 3 ? -100 : mixSeed(seed, index) % below
  })
}

/** Compares with what the fixture holds of a tensor; errors are relative to its largest entry. */
export function expectClose(received: Float32Array, expected: FixtureTensor, tolerance: number): void {
  expect(received.length).toBe(sizeOf(expected.shape))
  const { data, sample, points } = expected
  const largest = expected.largest ?? Math.max(...(data ?? []).map(Math.abs))
  const allowed = { absolute: tolerance * largest, relative: 0 }
  if (data) expect(received).toBeAllClose(data, allowed)
  if (sample) {
    const { stride } = sample
    expect(sample.data.map((_, index) => received[index * stride]!)).toBeAllClose(sample.data, allowed)
  }
  if (points) expect(points.indices.map((index) => received[index]!)).toBeAllClose(points.data, allowed)
}
