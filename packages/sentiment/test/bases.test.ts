import { loadCheckpoint } from '@tfx/core'
import { pretrain } from '@tfx/transfer'
import { describe, expect, it } from 'vitest'
import { transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'])
const options = { ...quick, epochs: 12, validation: false } as const

async function accuracyOf(
  from: Parameters<typeof transfer>[0],
): Promise<{ accuracy: number; notes: string }> {
  const model = await transfer(from, rows, options)
  const { accuracy } = await model.evaluate(toyRows(['no', 'yes'], { count: 60, seed: 2 }))
  await model.dispose()
  return { accuracy: accuracy!, notes: model.notes.join('\n') }
}

describe('a base', () => {
  it.each([
    ['bert-base-model', 'classifier.weight, classifier.bias'],
    [
      'bert-masked-lm',
      'bert.pooler.dense.weight, bert.pooler.dense.bias, classifier.weight, classifier.bias',
    ],
    ['distilbert-classification', 'classifier.weight, classifier.bias'],
    [
      'distilbert-masked-lm',
      'pre_classifier.weight, pre_classifier.bias, classifier.weight, classifier.bias',
    ],
  ])('may be %s', async (name, newWeights) => {
    const { accuracy, notes } = await accuracyOf(await folders.copyBase(name, name))
    expect(accuracy).toBeGreaterThan(0.9)
    expect(notes).toContain(`These weights are new and start at random, as the base has none: ${newWeights}.`)
  })

  it('may be a model that was just pretrained, in memory or saved', async () => {
    const { config, tokenizer } = await loadCheckpoint(base, { kind: 'encoder' })
    const texts = rows.map(({ text }) => text)
    const pretrained = await pretrain({
      config,
      tokenizer,
      texts,
      heldOut: texts.slice(0, 9),
      steps: 5,
      onEvent: () => undefined,
    })
    await pretrained.save(folders.path('pretrained'))
    const fromMemory = await accuracyOf(pretrained)
    const fromDisk = await accuracyOf(folders.path('pretrained'))
    expect(fromMemory.accuracy).toBeGreaterThan(0.9)
    expect(fromDisk.accuracy).toBeGreaterThan(0.9)
    for (const { notes } of [fromMemory, fromDisk]) {
      expect(notes).toContain('as the base has none: classifier.weight, classifier.bias.')
    }
    pretrained.dispose()
  })
})
