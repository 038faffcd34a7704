import { isTfxError, TraceError } from '@tfx/common'
import { beforeEach, describe, expect, test } from 'vitest'
import { isTracing, tf, toOnnx, trace, type TraceableFunction, traceProgram } from '../src/index'
import { tracerName } from '../src/tracer-backend'
import { runModel, useCpu } from './support/run'

const specs = { x: { shape: [2, 3] } }
type Tensors = Record<string, tf.Tensor>

/** The message of the TraceError that tracing ends with. */
function failure(compute: unknown): string {
  try {
    trace(compute as TraceableFunction, specs)
  } catch (error) {
    if (!(error instanceof TraceError)) throw error
    expect(isTfxError(error)).toBe(true)
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

beforeEach(useCpu)

describe('an op that is not supported', () => {
  test('is named, beside those that are', () => {
    const convolve = ({ x }: Tensors) => ({
      y: tf.conv2d(tf.reshape<tf.Rank.R4>(x as tf.Tensor, [1, 2, 3, 1]), tf.ones([1, 1, 1, 1]), 1, 'valid'),
    })
    const message = failure(convolve)
    expect(message).toContain("but got a call of 'Conv2D'. Compose 'Conv2D' from supported ops.")
    expect(message).toContain('must be made of the supported ops (Abs, Add, AddN, ')
    expect(message).not.toContain('Tfx')
  })

  test('is named in a gradient too', () => {
    const compute = tf.customGrad(((x: tf.Tensor) => ({
      value: tf.exp(x),
      gradFunc: (dy: tf.Tensor) => tf.cosh(dy),
    })) as never)
    expect(
      failure(({ x }: Tensors) => ({ y: tf.grad((x: tf.Tensor) => tf.sum(compute(x)))(x as tf.Tensor) })),
    ).toContain("a call of 'Cosh'")
  })
})

describe('a read of a value', () => {
  const remedy =
    'which has no value while tracing. Express the choice with tf.where, or compute it outside and pass it as an input.'

  test('of a result names the op', () => {
    const message = failure(({ x }: Tensors) => ({ y: tf.scalar(tf.sum(x as tf.Tensor).dataSync()[0]!) }))
    expect(message).toBe(
      "trace: 'the traced function' must be free of reads (data, dataSync, print, if on a tensor), but got a read of " +
        `the result of 'ReduceSum', ${remedy}`,
    )
  })

  test('of an input', () => {
    expect(failure(({ x }: Tensors) => ({ y: tf.scalar(x?.arraySync() as number) }))).toContain(
      `a read of an input, ${remedy}`,
    )
  })

  test('that is asynchronous rejects', async () => {
    let reading: Promise<unknown> | undefined
    trace(({ x }) => {
      reading = x!.data()
      return { y: tf.exp(x!) }
    }, specs)
    await expect(reading).rejects.toThrow('a read of an input')
  })

  test('is fine where the value is known', () => {
    const known = ({ x }: Tensors) => ({ y: tf.mul(x as tf.Tensor, tf.sum(tf.ones([2, 2])).dataSync()[0]!) })
    expect(() => trace(known, specs)).not.toThrow()
  })
})

describe('a function of the wrong form', () => {
  test.each([
    [
      'asynchronous',
      async ({ x }: Tensors) => ({ y: x }),
      'synchronous, but got a function that returns a Promise',
    ],
    ['a lone tensor', ({ x }: Tensors) => x, 'a function that returns a record of tensors, but got a tensor'],
    ['nothing', () => undefined, 'a function that returns a record of tensors, but got undefined'],
    [
      'a number among tensors',
      () => ({ y: 3 }),
      "a function that returns only tensors, but got number as 'y'",
    ],
    [
      'nested',
      () => trace(({ x }) => ({ y: x! }), specs).outputs,
      'outside of a traced function, but got a call inside',
    ],
  ])('%s', (_, compute, text) => {
    expect(failure(compute)).toContain(text)
  })

  test('a tensor that was kept from another trace', () => {
    let kept: tf.Tensor | undefined
    trace(({ x }) => {
      kept = tf.keep(tf.exp(x!))
      return { y: kept }
    }, specs)
    expect(failure(({ x }: Tensors) => ({ y: tf.add(x as tf.Tensor, kept!) }))).toContain(
      "the result of 'Exp'",
    )
    kept?.dispose()
  })

  test('an output named as an input', () => {
    const program = traceProgram(({ x }) => ({ x: tf.exp(x!) }), specs)
    expect(() => toOnnx(program)).toThrow(
      "toOnnx: 'outputs' must be named unlike every input, but got an output 'x' beside an input of that name. Rename the output.",
    )
  })

  test("the function's own errors pass through", () => {
    const own = new RangeError('mine')
    expect(() =>
      trace(() => {
        throw own
      }, specs),
    ).toThrow(own)
  })
})

describe('after a trace', () => {
  const outcomes: [string, () => void][] = [
    [
      'that succeeded',
      () => trace(({ x }) => ({ y: tf.grad((x: tf.Tensor) => tf.sum(tf.exp(x)))(x!) }), specs),
    ],
    ['that failed', () => failure(({ x }: Tensors) => ({ y: tf.topk(x as tf.Tensor, 1).values }))],
    [
      'that failed in a gradient',
      () =>
        failure(({ x }: Tensors) => ({
          y: tf.grad((x: tf.Tensor) => tf.sum(tf.asin(tf.exp(x))))(x as tf.Tensor),
        })),
    ],
  ]

  test.each(outcomes)('%s, nothing is left behind', (_, run) => {
    const eager = tf.tensor([1, 4, 9])
    const { numTensors, numDataBuffers } = tf.memory()
    run()
    expect(tf.getBackend()).toBe('cpu')
    expect(tf.findBackend(tracerName)).toBeNull()
    expect(isTracing()).toBe(false)
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers })
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.square(x)))(eager)
    expect(Array.from(gradient.dataSync())).toEqual([2, 8, 18])
    tf.dispose([eager, gradient])
    expect(tf.memory().numTensors).toBe(numTensors - 1)
  })

  test('tensors captured from outside are constants of the graph and stay usable', async () => {
    const { numTensors } = tf.memory()
    const weights = tf.tensor([[1, 2, 3]])
    const compute: TraceableFunction = ({ x }) => ({ y: tf.mul(x!, weights), weights })
    const model = toOnnx(traceProgram(compute, specs))
    expect(Array.from(tf.add(weights, 1).dataSync())).toEqual([2, 3, 4])
    const again = toOnnx(traceProgram(compute, specs))
    expect(Array.from(weights.dataSync())).toEqual([1, 2, 3])
    expect(again).toEqual(model)
    const x = { dtype: 'float32' as const, shape: [2, 3], data: Float32Array.of(1, 1, 1, 2, 2, 2) }
    expect(Array.from((await runModel(model, { x })).y?.data ?? [])).toEqual([1, 2, 3, 2, 4, 6])
    weights.dispose()
    expect(tf.memory().numTensors).toBe(numTensors + 1)
  })

  test('tensors still have their methods', () => {
    // tfjs calls one, cast, to add numbers of two types.
    expect(tf.tidy(() => tf.add(tf.scalar(1.5), tf.scalar(1, 'int32')).dataSync()[0])).toBe(2.5)
  })
})
