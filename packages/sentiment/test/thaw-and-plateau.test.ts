import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { openSafetensors } from '@tfx/core'
import { refusal } from '@tfx/testing'
import type { TrainingEvent } from '@tfx/train'
import { describe, expect, it } from 'vitest'
import { transfer, type TransferOptions } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 60 })
const openWeights = (directory: string) => openSafetensors(join(directory, 'model.safetensors'))

describe('how a transfer learns', () => {
  it('thaws from the head down, lowers the rate on a plateau, and clips as it is told', async () => {
    const options = {
      ...quick,
      epochs: 3,
      validation: 0.2,
      gradualUnfreezing: 1000,
      plateau: { patience: 0, threshold: 10, thresholdMode: 'absolute' },
      bestMetric: 'loss',
      clipping: { by: 'value', maximum: 0.01 },
    } as const
    const model = await transfer(base, rows, options)
    const rates = model.training!.history.map(({ learningRate }) => learningRate / quick.learningRate)
    const each = rates.length / 3
    // The first evaluation is the best; after the second and the third the rate falls.
    expect(rates.map((rate) => Number(rate.toPrecision(3)))).toEqual(
      rates.map((_, step) => (step < 2 * each ? 1 : 0.1)),
    )
    const directory = folders.path('thawed')
    await model.save(directory, { onnx: [] })
    await model.dispose()
    const [before, after] = await Promise.all([base, directory].map(openWeights))
    for (const name of before!.tensors.keys()) {
      const isSame = isDeepStrictEqual(await after!.read(name), await before!.read(name))
      // Behind the last layer: the pooler and the classifier.
      expect([name, isSame]).toEqual([name, /embeddings|layer\.\d/.test(name)])
    }
    await Promise.all([before!.close(), after!.close()])
  })

  it('finds a rate and trains with it as if it had been given', async () => {
    const events: TrainingEvent[] = []
    const options = { ...quick, epochs: 1, validation: 0.2 } as const
    const found = await transfer(base, rows, {
      ...options,
      learningRate: 'find',
      checkpoints: folders.path('found'),
      onEvent: (event) => events.push(event),
    })
    const [finding] = events as [Extract<TrainingEvent, { type: 'learningRate' }>]
    expect(finding.type).toBe('learningRate')
    expect(finding.curve.length).toBeGreaterThan(20)
    expect(found.settings).toContainEqual({
      name: 'learningRate',
      value: finding.suggestion,
      origin: 'found before training',
    })
    const given = await transfer(base, rows, { ...options, learningRate: finding.suggestion })
    const losses = ({ training }: typeof given) => training!.history.map(({ loss }) => loss)
    expect(losses(found)).toEqual(losses(given))
    expect(found.training!.history.every(({ learningRate }) => learningRate <= finding.suggestion)).toBe(true)
    expect(await found.predict('good')).toEqual(await given.predict('good'))
    for (const model of [found, given]) await model.dispose()
    const wrong = await refusal(transfer(base, rows, { ...options, learningRate: 'fnd' as 'find' }))
    expect(wrong.message).toContain("'learningRate' must be a number, or 'find', but got 'fnd'.")
  })

  it('refuses what goes by evaluations where there are none', async () => {
    const run = (options: TransferOptions) => refusal(transfer(base, rows, { ...quick, ...options }))
    const withoutData = await run({ validation: false, earlyStoppingPatience: 2 })
    expect(withoutData.message).toContain(
      "'earlyStoppingPatience' must be left out without examples to validate on",
    )
    const plateau = await run({ validation: false, plateau: {} })
    expect(plateau.message).toContain("'plateau' must be left out without examples to validate on")
    const withoutBest = await run({ keepBest: false, earlyStoppingPatience: 2 })
    expect(withoutBest.message).toContain("'earlyStoppingPatience' must be left out without keepBest")
  })

  it('refuses to move word embeddings that are frozen, and a schedule that is none', async () => {
    const run = (options: TransferOptions) => refusal(transfer(base, rows, { ...quick, ...options }))
    const frozen = await run({ adapter: 'lora', adversarialEpsilon: 1 })
    expect(frozen.message).toContain("'adversarialEpsilon' must be left out with an adapter")
    const schedule = await run({ schedule: (() => 0.5) as never })
    expect(schedule.message).toContain("'schedule' must be a function that makes a schedule for the run")
  })
})
