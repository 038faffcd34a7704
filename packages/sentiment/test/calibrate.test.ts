import { dirname } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { ArgumentError } from '@tfx/common'
import { expectedCalibrationError } from '@tfx/metrics'
import { failureOf } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

env.allowRemoteModels = false

const folders = temporaryFolders()
const labels = ['bad', 'fair', 'good']

/** Rows of which one in four has another label than its text says: nobody can be sure. */
const noisy = (count: number, seed: number) =>
  toyRows(labels, { count, seed }).map(({ text, label }, index) => ({
    text,
    label: index % 4 === 3 ? labels[(labels.indexOf(String(label)) + 1) % 3]! : label,
  }))

describe('calibrated scores', () => {
  const dataset = { train: toyRows(labels), validation: noisy(120, 2) }
  const held = noisy(240, 3)
  // Learned from labels that are all right, so that the model is surer than it may be of others.
  const options = { ...quick, epochs: 10, keepBest: false }

  it('are as high as answers are right, the answers being the same, also where the saved model runs', async () => {
    const plain = await transfer(base, dataset, options)
    const calibrated = await transfer(base, dataset, { ...options, calibrate: true })
    const texts = held.map(({ text }) => text)
    const [before, after] = [await plain.predict(texts), await calibrated.predict(texts)]
    expect(after.map(({ label }) => label)).toEqual(before.map(({ label }) => label))

    // One temperature for all: the logits, up to a constant for each text, are in one proportion.
    const note = calibrated.notes.find((text) => text.startsWith('Scores are calibrated'))
    const [, temperature, from, to] = /temperature (\S+): on the 120 .* went from (\S+) to (\S+)\.$/
      .exec(note!)!
      .map(Number)
    const spread = ({ scores }: (typeof before)[0]) => Math.log(scores.bad! / scores.good!)
    expect(temperature).toBeGreaterThan(1.2)
    for (const [index, answer] of after.entries())
      expect(spread(answer) * temperature!).toBeCloseTo(spread(before[index]!), 1)

    const errors = await Promise.all(
      [plain, calibrated].map(async (model) => (await model.evaluate(held)).expectedCalibrationError!),
    )
    expect(errors[1]).toBeLessThan(errors[0]! - 0.05)
    expect(to).toBeLessThan(from! - 0.05)
    const validated = await plain.evaluate(dataset.validation)
    expect(validated.expectedCalibrationError).toBeCloseTo(from!, 3)
    const references = held.map(({ label }) => labels.indexOf(String(label)))
    const probabilities = after.map(({ scores }) => labels.map((label) => scores[label]!))
    expect(errors[1]).toBeCloseTo(expectedCalibrationError(references, probabilities), 10)

    const directory = folders.path('calibrated')
    await calibrated.save(directory)
    const loaded = await load(directory)
    expect(await loaded.predict(texts[0]!)).toEqual(await calibrated.predict(texts[0]!))
    env.localModelPath = dirname(directory)
    const classify = await pipeline('sentiment-analysis', 'calibrated', { dtype: 'fp32' })
    const [theirs] = (await classify(texts[0]!)) as { score: number }[]
    expect(theirs!.score).toBeCloseTo(after[0]!.score, 4)
    await classify.dispose()
    await Promise.all([plain.dispose(), calibrated.dispose(), loaded.dispose()])
  })

  it('stay as they are where every validation example is answered right', async () => {
    const rows = toyRows(['no', 'yes'])
    const model = await transfer(base, rows, { ...quick, epochs: 12, calibrate: true })
    expect(model.notes.join('\n')).toContain('Scores are not calibrated: of the 8 validation examples all')
    await model.dispose()
  })

  it.each([
    [{ validation: false as const }, "'calibrate' must be with examples to validate on"],
    [{ validation: 0 }, "'calibrate' must be with examples to validate on"],
    [{ calibrate: 'yes' as never }, "'calibrate' must be true or false, but got 'yes'."],
  ])('are refused with %j', async (changes, text) => {
    const error = await failureOf(transfer(base, noisy(12, 1), { ...quick, calibrate: true, ...changes }))
    expect(error).toBeInstanceOf(ArgumentError)
    expect(error.message).toContain(text)
  })
})
