import { resolve } from 'node:path'
import { lora, openSafetensors, promptTuning } from '@tfx/core'
import { failureOf, refusal } from '@tfx/testing'
import { TrainingAbortedError, type TrainingEvent } from '@tfx/train'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 60 })
const texts = rows.slice(0, 6).map(({ text }) => text)
const options = { ...quick, epochs: 3, learningRate: 0.02, dropout: 0 }
const adapters = {
  lora: 'lora',
  dora: lora({ decomposed: true }),
  ia3: 'ia3',
  bitfit: 'bitfit',
  prompt: promptTuning({ virtualTokens: 3 }),
} as const

describe.each(['float16', 'int8'] as const)('a base kept as %s while an adapter trains', (basePrecision) => {
  it.each(Object.entries(adapters))('is the rounded base in float32: %s', async (name, adapter) => {
    // A rate too small to change a number: what is saved is the rounded base with the head that every run begins with.
    const still = {
      ...options,
      adapter: 'lora',
      basePrecision,
      maxSteps: 1,
      learningRate: 1e-37,
      weightDecay: 0,
    } as const
    const unmoved = await transfer(base, rows, still)
    const rounded = resolve(folders.path(`rounded-${basePrecision}-${name}`))
    await unmoved.save(rounded, { onnx: [], overwrite: true })
    await unmoved.dispose()

    const model = await transfer(base, rows, { ...options, adapter, basePrecision })
    const expected = await transfer(rounded, rows, { ...options, adapter })
    const losses = ({ training }: typeof model) => training!.history.map(({ loss }) => loss)
    expect(losses(model).length).toBeGreaterThan(5)
    losses(expected).forEach((loss, step) => expect(losses(model)[step]).toBeCloseTo(loss, 5))
    const [ours, theirs] = [await model.predict(texts), await expected.predict(texts)]
    ours.forEach(({ score }, index) => expect(score).toBeCloseTo(theirs[index]!.score, 4))
    await Promise.all([model.dispose(), expected.dispose()])
  })

  it('rounds the base, and keeps biases, norms and the head whole', async () => {
    const model = await transfer(base, rows, { ...options, adapter: 'ia3', basePrecision })
    const directory = folders.path('saved')
    await model.save(directory, { onnx: [], overwrite: true })
    await model.dispose()
    const [before, after] = [
      await openSafetensors(resolve(base, 'model.safetensors')),
      await openSafetensors(resolve(directory, 'model.safetensors')),
    ]
    const changed: string[] = []
    for (const name of before.tensors.keys()) {
      const [old, now] = [
        await before.read(name),
        after.tensors.has(name) ? await after.read(name) : undefined,
      ]
      if (now && old.some((value, index) => value !== now[index])) changed.push(name)
    }
    await Promise.all([before.close(), after.close()])
    expect(changed).toContain('bert.embeddings.word_embeddings.weight')
    expect(changed.filter((name) => /LayerNorm|layer\.\d+\..*query\.bias$/.test(name))).toEqual([])
  })
})

it('an adapter that learned on rounded weights loads on the base', async () => {
  const model = await transfer(base, rows, { ...options, adapter: 'lora', basePrecision: 'float16' })
  const directory = folders.path('adapter')
  await model.saveAdapter(directory)
  const loaded = await load(base, { adapter: directory, labels: ['no', 'yes'] })
  const [ours, theirs] = [await model.predict(texts), await loaded.predict(texts)]
  ours.forEach(({ score }, index) => expect(theirs[index]!.score).toBeCloseTo(score, 2))
  await Promise.all([model.dispose(), loaded.dispose()])
})

it('a run on rounded weights that was cut goes on to the same numbers', async () => {
  const own = { ...options, adapter: 'lora', basePrecision: 'int8', dropout: 0.1 } as const
  const whole = await transfer(base, rows, own)
  const controller = new AbortController()
  const onEvent = (event: TrainingEvent) => {
    if (event.type === 'step' && event.step === 9) controller.abort()
  }
  const checkpoints = { directory: folders.path('run'), everySteps: 4 }
  const cut = transfer(base, rows, { ...own, checkpoints, onEvent, signal: controller.signal })
  expect(await failureOf(cut)).toBeInstanceOf(TrainingAbortedError)
  const resumed = await transfer(base, rows, { ...own, checkpoints })
  expect(await resumed.predict(texts)).toEqual(await whole.predict(texts))
  await Promise.all([whole.dispose(), resumed.dispose()])
  const other = await refusal(transfer(base, rows, { ...own, checkpoints, basePrecision: 'float16' }))
  expect(other.message).toContain('basePrecision')
})

it('is refused without an adapter, and as another number', async () => {
  const without = await refusal(transfer(base, rows, { ...options, basePrecision: 'int8' }))
  expect(without.message).toContain("'basePrecision' must be float32 unless an adapter is trained")
  const unknown = { ...options, adapter: 'lora', basePrecision: 'int4' } as never
  const { message } = await refusal(transfer(base, rows, unknown))
  expect(message).toContain("'basePrecision' must be one of float32, float16, int8")
})
