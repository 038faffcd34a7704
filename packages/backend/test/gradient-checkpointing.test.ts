import { tf } from '@tfx/compiler'
import { describe, expect, it } from 'vitest'
import { createOnnxEngine, type CompileOptions, type StepFunction } from '../src/index'
import { engines, float32, get, wave } from './engines'

const [size, wide, layers, rows] = [16, 512, 12, 3072]
const shapes = Object.fromEntries(
  Array.from({ length: layers }, (_, layer) => [
    [`in${layer}`, [size, wide]],
    [`out${layer}`, [wide, size]],
  ]).flat() as [string, number[]][],
)

/** Blocks with residuals, each with an inside that is 32 times as wide: 6 MB. */
const step: StepFunction = ({ inputs, parameters }) => {
  let x = get<tf.Rank.R2>(inputs, 'x')
  for (let layer = 0; layer < layers; layer++) {
    const inner = tf.tanh(tf.matMul(x, get<tf.Rank.R2>(parameters, `in${layer}`)))
    x = tf.add(x, tf.matMul(inner, get<tf.Rank.R2>(parameters, `out${layer}`)))
  }
  return { loss: tf.mean(tf.square(x)) }
}

function compile(
  engine: (typeof engines)[number][1],
  gradientCheckpointing: CompileOptions['gradientCheckpointing'] & {},
) {
  const store = engine.createStore(shapes, ['gradient'])
  for (const [name, shape] of Object.entries(shapes)) {
    store.write(
      name,
      wave(shape).map((value) => value / 8),
    )
  }
  const compiled = engine.compile(step, {
    inputs: { x: { shape: ['rows', size] } },
    parameters: store,
    gradients: { of: 'loss', withRespectTo: Object.keys(shapes) },
    gradientCheckpointing,
  })
  return { store, compiled }
}

describe('gradient checkpointing', () => {
  it('gives the same gradients and takes less than half of the memory', async () => {
    const x = float32(wave([rows, size]), [rows, size])
    /** In MB: by how much the largest size that the process has had grows. */
    const run = async (gradientCheckpointing: boolean) => {
      const { store, compiled } = compile(createOnnxEngine({ threads: 1 }), gradientCheckpointing)
      const program = await compiled
      const { loss } = await program.run({ x })
      const peak = process.resourceUsage().maxRSS / 1024
      await program.dispose()
      const gradients = await Promise.all(Object.keys(shapes).map((name) => store.read(name, 'gradient')))
      // As bytes: elementwise, toEqual takes longer than the steps.
      const bytes = gradients.map(({ buffer }) => Buffer.from(buffer).toString('base64'))
      store.dispose()
      return { loss, bytes, peak }
    }
    const before = process.memoryUsage().rss / 2 ** 20
    const checkpointed = await run(true)
    const plain = await run(false)
    expect(checkpointed.loss).toEqual(plain.loss)
    expect(checkpointed.bytes).toEqual(plain.bytes)
    // 12 insides of 6 MB.
    expect(plain.peak - before).toBeGreaterThan(72)
    expect(checkpointed.peak - before).toBeLessThan((plain.peak - before) / 2)
  })

  it.each([1, 2.5, NaN])('refuses %s segments', async (segments) => {
    const { compiled } = compile(createOnnxEngine(), { segments })
    await expect(compiled).rejects.toThrow(
      `compile: 'gradientCheckpointing.segments' must be an integer of at least 2, but got ${segments}. ` +
        'Pass true for a segment at every narrow place of the model.',
    )
  })

  it('is refused by an engine that runs eagerly', async () => {
    const tfjs = engines.find(([name]) => name === 'tfjs')![1]
    await expect(compile(tfjs, true).compiled).rejects.toThrow(
      "compile: 'gradientCheckpointing' must be false on a tfjs engine, which runs steps as they are, but got asked for. " +
        "Leave it out, or choose the compiled engine with setEngine('onnx').",
    )
  })
})
