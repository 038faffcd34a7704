import { TrainingAbortedError } from '@tfx/train'
import { failureOf, refusal } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { type SentimentModel, type SentimentOptions, transfer, type TransferOptions } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 60 })
const texts = rows.slice(0, 5).map(({ text }) => text)

type Options = SentimentOptions & TransferOptions

/** All that a run comes to. */
async function outcome(model: SentimentModel) {
  const losses = model.training!.history.map(({ loss }) => loss)
  const scores = (await model.predict(texts)).map(({ score }) => score)
  await model.dispose()
  return { losses, scores }
}

const run = async (options: Options) => outcome(await transfer(base, rows, { ...quick, ...options }))

const quiet = { epochs: 1, dropout: 0, validation: false } as const
const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss / part.length, 0)

describe('the regularization of transfer', () => {
  it.each([
    { neftuneAlpha: 5 },
    { rDrop: 1, dropout: 0.1 },
    { mixup: 0.2 },
    { stochasticDepth: 0.2 },
    { swaStart: 0.5 },
  ] as Options[])('learns with %o, and other than without', async (options) => {
    const plain = await run({ ...quiet, dropout: options.dropout ?? 0 })
    const some = await run({ ...quiet, ...options })
    expect(some).not.toEqual(plain)
    expect(await run({ ...quiet, ...options })).toEqual(some)
    const { losses } = await run({ ...quiet, epochs: 12, ...options })
    expect(mean(losses.slice(-8))).toBeLessThan(0.8 * mean(losses.slice(0, 8)))
  })

  it('is the plain loss where nothing is mixed, drawn or dropped', async () => {
    const plain = await run(quiet)
    // Both passes of R-Drop are the same without dropout: the distance is 0, the mean loss that of one.
    const { losses } = await run({ ...quiet, rDrop: 3 })
    expect(losses).toHaveLength(plain.losses.length)
    for (const [index, loss] of losses.entries()) expect(loss).toBeCloseTo(plain.losses[index]!, 4)
  })

  it('ends with the mean of the weights of the last steps', async () => {
    const options = { ...quiet, batching: 'random', epochs: 2 } as const
    const model = await transfer(base, rows, { ...quick, ...options, swaStart: 1 })
    // From the last step on: the mean of one is that one.
    expect((await outcome(model)).scores).toEqual((await run(options)).scores)
    expect((await run({ ...options, swaStart: 0.5 })).scores).not.toEqual((await run(options)).scores)
  })

  it('goes on where it was cut, with all of it, to the same model', async () => {
    const options = {
      ...quick,
      epochs: 2,
      neftuneAlpha: 5,
      rDrop: 0.5,
      mixup: 0.3,
      stochasticDepth: 0.1,
      gradientAccumulationSteps: 2,
    }
    const whole = await outcome(await transfer(base, rows, options))
    const checkpoints = { directory: folders.path('run'), everySteps: 2 }
    const controller = new AbortController()
    const cut = transfer(base, rows, {
      ...options,
      checkpoints,
      signal: controller.signal,
      onEvent: (event) => event.type === 'step' && event.step === 3 && controller.abort(),
    })
    expect(await failureOf(cut)).toBeInstanceOf(TrainingAbortedError)
    expect(await outcome(await transfer(base, rows, { ...options, checkpoints }))).toEqual(whole)
    const other = await refusal(transfer(base, rows, { ...options, mixup: 0.4, checkpoints }))
    expect(other.message).toMatch(
      /must be the checkpoints of this run, with mixup 0.4, but got those of one with 0.3/,
    )
  })

  it('refuses what cannot be meant', async () => {
    const message = async (options: Options) => (await refusal(transfer(base, rows, options))).message
    expect(await message({ mixup: 9 })).toContain(
      "'mixup' must be a number of at least 0 and at most 8, but got 9",
    )
    expect(await message({ stochasticDepth: 1 })).toContain(
      "'stochasticDepth' must be a number of at least 0",
    )
    expect(await message({ ...quick, swaStart: 0.5, emaDecay: 0.9 })).toContain(
      "transfer: 'swaStart' must be left out with emaDecay, which averages the weights too, but got 0.5.",
    )
  })
})
