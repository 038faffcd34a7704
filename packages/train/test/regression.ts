import { dropout, type Engine, linear, type StepFunction } from '@tfx/backend'
import { createRandom, type HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { adamW, type FitOptions, fitSlots, type SlotOptions, type TrainingBatch } from '../src/index'

const shapes = { 'hidden.weight': [5, 2], 'hidden.bias': [5], 'output.weight': [1, 5], 'output.bias': [1] }
export const parameters = Object.keys(shapes)

/** A perceptron with one hidden layer and the mean squared error. */
function stepWith(dropoutRate: number): StepFunction {
  return ({ inputs: { x, y }, parameters: p }) => {
    const layer = (input: tf.Tensor, name: string) =>
      linear(input, p[`${name}.weight`] as tf.Tensor, p[`${name}.bias`])
    // (batch, 2) → (batch, 5) → (batch, 1)
    const hidden = dropout(tf.tanh(layer(x as tf.Tensor, 'hidden')), dropoutRate)
    return { loss: tf.mean(tf.square(tf.sub(layer(hidden, 'output'), y as tf.Tensor))) }
  }
}

/** Examples of y = sin(2 a) + b with a bias, in batches of the given size. */
export function regressionBatches(batchSize: number, { count = 32, seed = 1 } = {}): TrainingBatch[] {
  const random = createRandom(seed)
  const points = Array.from({ length: count }, () => [random.normal(), random.normal()] as const)
  const float32 = (shape: number[], data: number[]): HostTensor => ({
    dtype: 'float32',
    shape,
    data: Float32Array.from(data),
  })
  const batches: TrainingBatch[] = []
  for (let start = 0; start < count; start += batchSize) {
    const rows = points.slice(start, start + batchSize)
    const size = rows.length
    const y = rows.map(([a, b]) => Math.sin(2 * a) + b + 0.5)
    const inputs = { x: float32([size, 2], rows.flat()), y: float32([size, 1], y) }
    batches.push({ inputs, examples: size, tokens: 2 * size, weight: size })
  }
  return batches
}

/** A compiled regression with its store, ready for `fit`. */
export async function regression(
  engine: Engine,
  { dropoutRate = 0, ...slotOptions }: Partial<SlotOptions> & { dropoutRate?: number } = {},
) {
  const { optimizer = adamW({ weightDecay: 0.01 }) } = slotOptions
  const store = engine.createStore(shapes, fitSlots({ ...slotOptions, optimizer }))
  const random = createRandom(3)
  for (const name of parameters) {
    const values = store.read(name)
    store.write(
      name,
      (await values).map(() => 0.5 * random.normal()),
    )
  }
  const program = await engine.compile(stepWith(dropoutRate), {
    inputs: { x: { shape: ['batch', 2] }, y: { shape: ['batch', 1] } },
    parameters: store,
    gradients: { of: 'loss', withRespectTo: parameters },
  })
  const options = {
    ...slotOptions,
    optimizer,
    store,
    program,
    parameters,
    learningRate: 0.02,
    maxGradientNorm: 1,
  }
  const weights = async () => {
    const all = await Promise.all(parameters.map((name) => store.read(name)))
    return all.flatMap((values) => [...values])
  }
  return { store, program, weights, options: options satisfies Partial<FitOptions> }
}
