import type { HostTensor } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tf, toOnnx, type TraceableFunction, traceProgram } from '../../src/index'
import { drawTensor, type Operand } from './arbitrary'
import { expectSame, type HostTensors, runEager, runModelOften, type Tolerance, useCpu } from './run'

type Tensors = Record<string, tf.Tensor>
type Op = (tensors: Tensors) => tf.Tensor | tf.Tensor[]

/** One call of an op: its operands and what is done with them. */
export interface OpCase {
  /** What a failure names. */
  label: string
  operands: Record<string, Operand>
  op: Op
  /** What tfjs-cpu computes instead, for kernels that tfjs has not. */
  reference?: Op
  /** Set where the gradient of tfjs is wrong or undefined for these very operands. */
  forwardOnly?: boolean
}

/** What a kernel promises. */
export interface Contract {
  cases: fc.Arbitrary<OpCase>
  /** Whether gradients are compared as well, or why there are none. */
  gradient: true | string
  /** Default: 1e-6 absolute, 1e-5 relative. */
  tolerance?: Tolerance
  /** The same for gradients. Default: that of the forward pass. */
  gradientTolerance?: Tolerance
}

/** One entry for each kernel. */
export type ContractTable = Record<string, Contract>

// TFX_SEED and TFX_RUNS explore further than every test run can.
const seed = Number(process.env.TFX_SEED ?? 20261123)
const effort = Number(process.env.TFX_RUNS ?? 1)
const batches = [1, 2, 6]

/** Declares the tests of some kernels. */
export function describeContracts(table: ContractTable): void {
  describe.each(Object.entries(table))('%s', (name, contract) => {
    if (!name.startsWith('Tfx')) {
      test('is what its cases call', async () => {
        const called = new Set<string>()
        for (const sample of fc.sample(contract.cases, { numRuns: 20, seed })) {
          for (const kernel of await kernelsOf(sample)) called.add(kernel)
        }
        expect([...called]).toContain(name)
      })
    }
    test('computes what tfjs-cpu computes', async () => {
      await checkStatic(contract, { numRuns: 16 * effort, seed })
    })
    test('does so for every size of a symbolic axis', async () => {
      await checkSymbolic(contract, { numRuns: 5 * effort, seed: seed + 1 })
    })
    const isDifferentiable = (tf.getGradient(name) as unknown) !== undefined
    if (isDifferentiable && contract.gradient !== true) {
      test(`has no gradient: ${contract.gradient}`, () => {
        expect(contract.gradient).not.toBe('not defined by tfjs')
      })
    }
  })
}

async function kernelsOf(sample: OpCase): Promise<string[]> {
  useCpu()
  const { kernelNames } = await tf.profile(() => {
    const feeds = feedsOf(sample, 0, 2)
    const operands = Object.entries(feeds).map(([key, value]) => [
      key,
      tf.tensor(value.data, [...value.shape], value.dtype),
    ])
    sample.op(Object.fromEntries(operands) as Tensors)
    return tf.scalar(0)
  })
  return kernelNames
}

interface Runs {
  numRuns: number
  seed: number
}

const contents = fc.nat(1e6)

async function checkStatic(contract: Contract, runs: Runs): Promise<void> {
  const property = fc.asyncProperty(
    contract.cases,
    contents,
    fc.integer({ min: 1, max: 4 }),
    async (opCase, draw, batch) => {
      const feeds = feedsOf(opCase, draw, batch)
      const compute = (op: Op) => programOf(opCase, { op, feeds, contract })
      const specs = mapValues(inputsOf(opCase, feeds), ({ shape, dtype }) => ({ shape, dtype }))
      const model = toOnnx(traceProgram(compute(opCase.op), specs))
      const expected = runEager(compute(opCase.reference ?? opCase.op), inputsOf(opCase, feeds))
      const [received] = await runModelOften(model, [feeds])
      expectWithin(contract, received!, expected)
    },
  )
  await fc.assert(property, { ...runs, endOnFailure: true, includeErrorInReport: true })
}

async function checkSymbolic(contract: Contract, runs: Runs): Promise<void> {
  const hasBatch = ({ operands }: OpCase) =>
    Object.values(operands).some(({ shape }) => shape.includes('batch'))
  const property = fc.asyncProperty(contract.cases.filter(hasBatch), contents, async (given, draw) => {
    const opCase = withFedBatch(given)
    const compute = (op: Op) => (tensors: Tensors) =>
      programOf(opCase, { op, feeds: feedsOf(opCase, draw, batchOf(opCase, tensors)), contract })(tensors)
    const specs = mapValues(inputsOf(opCase, opCase.operands), ({ shape, dtype }) => ({ shape, dtype }))
    const model = toOnnx(traceProgram(compute(opCase.op), specs))
    const feeds = batches.map((batch) => feedsOf(opCase, draw, batch))
    const received = await runModelOften(model, feeds)
    feeds.forEach((feed, index) => {
      const expected = runEager(compute(opCase.reference ?? opCase.op), inputsOf(opCase, feed))
      expectWithin(contract, received[index]!, expected)
    })
  })
  await fc.assert(property, { ...runs, endOnFailure: true, includeErrorInReport: true })
}

function expectWithin(
  { tolerance, gradientTolerance }: Contract,
  received: HostTensors,
  expected: HostTensors,
): void {
  expect(Object.keys(received).sort()).toEqual(Object.keys(expected).sort())
  const part = (values: HostTensors, gradients: boolean) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith('gradient') === gradients))
  expectSame(part(received, false), part(expected, false), tolerance)
  expectSame(part(received, true), part(expected, true), gradientTolerance ?? tolerance)
}

const mapValues = <T, U>(record: Record<string, T>, map: (value: T, key: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]))

/** The entries of operands that are fed. */
function inputsOf<T>({ operands }: OpCase, record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => operands[key]?.role === 'input'))
}

function feedsOf({ operands }: OpCase, draw: number, batch: number): HostTensors {
  return mapValues(operands, (operand, key) => drawTensor(operand, draw + key.charCodeAt(0) * 1000, batch))
}

/** An array cannot have a symbolic axis: such operands are fed, and at least one operand is. */
function withFedBatch(opCase: OpCase): OpCase {
  const hasSource = Object.values(opCase.operands).some(
    ({ role, shape }) => role === 'input' && shape.includes('batch'),
  )
  const operands = mapValues(opCase.operands, (operand) => {
    const isFed = operand.shape.includes('batch') && (operand.role === 'array' || !hasSource)
    return isFed ? { ...operand, role: 'input' as const } : operand
  })
  return { ...opCase, operands }
}

function batchOf({ operands }: OpCase, tensors: Tensors): number {
  for (const [key, { shape, role }] of Object.entries(operands)) {
    const axis = shape.indexOf('batch')
    if (role === 'input' && axis >= 0) return tensors[key]!.shape[axis]!
  }
  return 1
}

/** The op on its operands, and the gradients of a weighted sum of what it returns. */
function programOf(
  opCase: OpCase,
  { op, feeds, contract }: { op: Op; feeds: HostTensors; contract: Contract },
): TraceableFunction {
  const { operands } = opCase
  return (inputs) => {
    const tensors = mapValues(operands, ({ role }, key) => {
      const { shape, data, dtype } = feeds[key] as HostTensor
      if (role === 'input') return inputs[key]!
      if (role === 'splat') return tf.fill([...shape], data[0] ?? 0, dtype)
      return tf.tensor(data, [...shape], dtype)
    })
    const outputs = [op(tensors)].flat()
    const results: Tensors = Object.fromEntries(outputs.map((output, index) => [`output${index}`, output]))
    const isSpecial = Object.values(operands).some(({ elements }) => elements.special)
    const floats = Object.keys(operands).filter((key) => operands[key]?.dtype === 'float32')
    const hasGradient = outputs.every(({ dtype }) => dtype === 'float32') && floats.length > 0
    if (contract.gradient !== true || opCase.forwardOnly || isSpecial || !hasGradient) return results
    const loss = (...parts: tf.Tensor[]) => {
      const replaced = Object.fromEntries(floats.map((key, index) => [key, parts[index]!]))
      const terms = [op({ ...tensors, ...replaced })].flat().map(weightedSum)
      return tf.addN(terms)
    }
    const gradients = tf.grads(loss)(floats.map((key) => tensors[key]!))
    return {
      ...results,
      ...Object.fromEntries(floats.map((key, index) => [`gradient_${key}`, gradients[index]!])),
    }
  }
}

/** Weights that differ along every axis, so that a gradient in the wrong place shows. */
function weightedSum(output: tf.Tensor): tf.Tensor {
  const weighted = output.shape.reduce((product: tf.Tensor, length, axis) => {
    const weights = tf.cos(tf.add(tf.range(0, length, 1, 'float32'), axis))
    return tf.mul(product, tf.reshape(weights, [length, ...output.shape.slice(axis + 1).map(() => 1)]))
  }, output)
  return tf.sum(weighted)
}
