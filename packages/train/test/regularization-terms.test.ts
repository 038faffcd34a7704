import { softmaxCrossEntropy } from '@tfx/backend'
import { createRandom } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  betaSample,
  mixedLoss,
  mixedMask,
  mixupPlan,
  mixWords,
  noisyEmbeddings,
  rDropLoss,
  symmetricDivergence,
} from '../src/index'
import { engines } from './stores'

interface Fixture {
  neftune: { words: number[]; noise: number[]; alpha: number; noisy: number[] }
  rDrop: {
    logits: [number[], number[]]
    labels: number[]
    weights: number[]
    alpha: number
    loss: number
    gradients: [number[], number[]]
    weighted: number
  }
  mixup: {
    words: number[]
    attentionMask: number[]
    order: number[]
    share: number
    labels: number[]
    mixed: number[]
    mixedMask: number[]
    loss: number
    gradient: number[]
  }
  beta: { alpha: number; points: number[]; below: number[] }[]
}

const { neftune, rDrop, mixup, beta } = loadFixture<Fixture>('train/regularization')
const float32 = (data: readonly number[], shape: readonly number[]) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from(data),
})
const int32 = (data: readonly number[], shape: readonly number[]) => ({
  dtype: 'int32' as const,
  shape,
  data: Int32Array.from(data),
})
const near = { absolute: 2e-6, relative: 2e-6 }

describe.each(engines)('on the %s engine', (_, engine) => {
  it('NEFTune is that of transformers, whatever the length', async () => {
    const words = { shape: ['batch', 'sequence', 8] }
    const program = await engine.compile(
      ({ inputs: { words, noise } }) => ({
        noisy: noisyEmbeddings(words!, { alpha: neftune.alpha, noise: noise! }),
      }),
      { inputs: { words, noise: words } },
    )
    const shape = [2, 5, 8]
    const inputs = { words: float32(neftune.words, shape), noise: float32(neftune.noise, shape) }
    const { noisy } = await program.run(inputs)
    expect(noisy!.data).toBeAllClose(neftune.noisy, near)
    await program.dispose()
  })

  it('NEFTune draws its noise from the seed of the run', async () => {
    const program = await engine.compile(
      ({ inputs: { words } }) => ({ noisy: noisyEmbeddings(words!, { alpha: 12 }) }),
      { inputs: { words: { shape: ['batch', 'sequence', 8] } } },
    )
    const inputs = { words: float32(new Array<number>(2 * 18 * 8).fill(0), [2, 18, 8]) }
    const run = async (seed: number) => [...(await program.run(inputs, { seed })).noisy!.data].map(Number)
    const noise = await run(1)
    // α / √(18 · 8) = 1: all of [-1, 1], and nothing beyond.
    expect(Math.max(...noise)).toBeGreaterThan(0.95)
    expect(Math.max(...noise)).toBeLessThanOrEqual(1)
    expect(Math.min(...noise)).toBeLessThan(-0.95)
    expect(Math.min(...noise)).toBeGreaterThanOrEqual(-1)
    expect(await run(1)).toEqual(noise)
    expect(await run(2)).not.toEqual(noise)
    await program.dispose()
  })

  it('R-Drop is that of its authors, with its gradients', async () => {
    const { logits, labels, alpha, weights } = rDrop
    const store = engine.createStore({ p: [6, 4], q: [6, 4] }, ['gradient'])
    store.write('p', Float32Array.from(logits[0]))
    store.write('q', Float32Array.from(logits[1]))
    const program = await engine.compile(
      ({ inputs, parameters: { p, q } }) => {
        const scores = [p!, q!] as const
        const [first, second] = scores.map((own) => softmaxCrossEntropy(own, inputs.labels!))
        return {
          loss: rDropLoss({ losses: [first!, second!], logits: scores }, alpha),
          weighted: symmetricDivergence(scores, inputs.weights),
        }
      },
      {
        inputs: { labels: { shape: [6], dtype: 'int32' }, weights: { shape: [6] } },
        parameters: store,
        gradients: { of: 'loss', withRespectTo: ['p', 'q'] },
      },
    )
    const { loss, weighted } = await program.run({
      labels: int32(labels, [6]),
      weights: float32(weights, [6]),
    })
    expect(loss!.data).toBeAllClose([rDrop.loss], near)
    expect(weighted!.data).toBeAllClose([rDrop.weighted], near)
    expect(await store.read('p', 'gradient')).toBeAllClose(rDrop.gradients[0], near)
    expect(await store.read('q', 'gradient')).toBeAllClose(rDrop.gradients[1], near)
    await program.dispose()
    store.dispose()
  })

  it('mixup is that of its authors on words, with its gradient', async () => {
    const store = engine.createStore({ words: [3, 4, 2] }, ['gradient'])
    store.write('words', Float32Array.from(mixup.words))
    const layer = tf.tensor2d([1, -0.5, 0.25, 0.5, 1, -1], [2, 3]).arraySync()
    const program = await engine.compile(
      ({ inputs, parameters }) => {
        const { attentionMask, labels, order, share } = inputs as Record<string, tf.Tensor>
        const plan = { order: order!, share: share! }
        const mixed = mixWords(parameters.words!, { attentionMask: attentionMask!, ...plan })
        const logits = tf.matMul(tf.sum(mixed, 1), tf.tensor2d(layer))
        const loss = mixedLoss(
          (targets) => softmaxCrossEntropy(logits, targets.labels),
          { labels: labels! },
          plan,
        )
        return { mixed, mask: mixedMask(attentionMask!, plan), loss }
      },
      {
        inputs: {
          attentionMask: { shape: [3, 4], dtype: 'int32' },
          labels: { shape: [3], dtype: 'int32' },
          order: { shape: [3], dtype: 'int32' },
          share: { shape: [] },
        },
        parameters: store,
        gradients: { of: 'loss', withRespectTo: ['words'] },
      },
    )
    const { mixed, mask, loss } = await program.run({
      attentionMask: int32(mixup.attentionMask, [3, 4]),
      labels: int32(mixup.labels, [3]),
      order: int32(mixup.order, [3]),
      share: float32([mixup.share], []),
    })
    expect(mixed!.data).toBeAllClose(mixup.mixed, near)
    expect([...mask!.data]).toEqual(mixup.mixedMask)
    expect(loss!.data).toBeAllClose([mixup.loss], near)
    expect(await store.read('words', 'gradient')).toBeAllClose(mixup.gradient, near)
    await program.dispose()
    store.dispose()
  })
})

describe('what mixup draws', () => {
  it.each(beta)('is of the distribution Beta($alpha, $alpha)', ({ alpha, points, below }) => {
    const random = createRandom(3)
    const count = 5000
    const drawn = Array.from({ length: count }, () => betaSample(alpha, random))
    for (const [index, point] of points.entries()) {
      const share = drawn.filter((value) => value <= point).length / count
      // The 0.1 % bound of Kolmogorov and Smirnov.
      expect(Math.abs(share - below[index]!)).toBeLessThan(1.95 / Math.sqrt(count))
    }
  })

  it('is an order of the rows, and the same for the same seed', () => {
    const draw = (seed: number) => mixupPlan({ batch: 9, alpha: 0.5 }, createRandom(seed))
    expect([...draw(1).order.data].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(draw(1)).toEqual(draw(1))
    expect(draw(2)).not.toEqual(draw(1))
  })

  it('refuses what cannot be meant', () => {
    expect(() => betaSample(0, createRandom(1))).toThrow("betaSample: 'alpha' must be")
    expect(() => betaSample(9, createRandom(1))).toThrow('but got 9')
    expect(() => mixupPlan({ batch: 0, alpha: 1 }, createRandom(1))).toThrow("mixupPlan: 'batch' must be")
    expect(() => noisyEmbeddings(tf.zeros([1, 2, 3]), { alpha: -1 })).toThrow(
      "noisyEmbeddings: 'alpha' must be",
    )
    expect(() => rDropLoss({} as never, -1)).toThrow("rDropLoss: 'alpha' must be")
  })
})
