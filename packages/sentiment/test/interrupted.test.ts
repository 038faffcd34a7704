import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensors } from '@tfx/core'
import { failureOf } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { learnedSoFar, load, type SentimentModel, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 40 })

describe('training that is interrupted', () => {
  it('by a loss that is not a number keeps what was learned', async () => {
    const error = await failureOf(
      transfer(base, rows, { ...quick, learningRate: 1e30, maxGradientNorm: 0, validation: false }),
    )
    expect(error.name).toBe('TrainingError')
    expect(error.message).toMatch(/smaller learning rate|learningRate/)
    const model = learnedSoFar<SentimentModel>(error)
    expect(model?.labels).toEqual(['no', 'yes'])
    await model?.dispose()
  })

  it('by a base that is not a number', async () => {
    const directory = await folders.copyBase('nan')
    await fillTensor(directory, 'bert.encoder.layer.0.output.dense.weight', Number.NaN)
    const error = await failureOf(transfer(directory, rows, quick))
    expect(error.name).toBe('TrainingError')
    // Nothing was learned, so there is nothing to keep.
    expect(learnedSoFar(error)).toBeUndefined()
  })

  it('by its signal keeps what was learned', async () => {
    const controller = new AbortController()
    const error = await failureOf(
      transfer(base, rows, {
        ...quick,
        validation: false,
        signal: controller.signal,
        onEvent: (event) => {
          if (event.type === 'step' && event.step === 3) controller.abort()
        },
      }),
    )
    expect(error.name).toBe('TrainingAbortedError')
    const model = learnedSoFar<SentimentModel>(error)!
    expect(model.training?.history).toHaveLength(3)
    const answer = await model.predict('the good movie')
    await model.save(folders.path('aborted'))
    const loaded = await load(folders.path('aborted'))
    expect((await loaded.predict('the good movie')).score).toBeCloseTo(answer.score, 6)
    await Promise.all([model.dispose(), loaded.dispose()])
  })

  it('before it starts', async () => {
    const error = await failureOf(transfer(base, rows, { ...quick, signal: AbortSignal.abort() }))
    expect(error.name).toBe('AbortedError')
    expect(error.message).toBe('transfer: is stopped by its AbortSignal.')
    expect(learnedSoFar(error)).toBeUndefined()
  })

  it('by an error of its listener keeps what was learned', async () => {
    const thrown = new Error('listener')
    const onEvent = ({ type }: { type: string }) => {
      if (type === 'epoch') throw thrown
    }
    const error = await failureOf(transfer(base, rows, { ...quick, onEvent }))
    expect(error).toBe(thrown)
    const model = learnedSoFar<SentimentModel>(error)
    expect(await model?.predict('good')).toHaveProperty('label')
    await model?.dispose()
  })

  it('is nothing that any other error tells of', () => {
    expect(learnedSoFar(new Error('other'))).toBeUndefined()
    expect(learnedSoFar('a string')).toBeUndefined()
  })
})

async function fillTensor(directory: string, name: string, value: number): Promise<void> {
  const file = join(directory, 'model.safetensors')
  const bytes = await readFile(file)
  const headerLength = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { data_offsets: [number, number] }
  >
  const [from, to] = header[name]!.data_offsets
  for (let at = from; at < to; at += 4) bytes.writeFloatLE(value, 8 + headerLength + at)
  await writeFile(file, bytes)
  const check = await openSafetensors(file)
  await check.close()
}
