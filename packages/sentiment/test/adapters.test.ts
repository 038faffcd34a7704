import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ia3, loadAdapter, lora, openSafetensors } from '@tfx/core'
import { refusal } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, type SentimentModel, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 60 })
const texts = rows.slice(0, 6).map(({ text }) => text)
const options = { ...quick, epochs: 12, learningRate: 0.02, dropout: 0 }

async function expectSame(left: SentimentModel, right: SentimentModel) {
  const [ours, theirs] = [await left.predict(texts), await right.predict(texts)]
  for (const [index, { score }] of ours.entries()) expect(theirs[index]!.score).toBeCloseTo(score, 5)
}

/** The names of the weights that training has changed. */
async function changedWeights(directory: string): Promise<string[]> {
  const [before, after] = [
    await openSafetensors(join(base, 'model.safetensors')),
    await openSafetensors(join(directory, 'model.safetensors')),
  ]
  const changed: string[] = []
  for (const name of after.tensors.keys()) {
    const [old, now] = [await before.read(name), await after.read(name)]
    if (old.length !== now.length || old.some((value, i) => value !== now[i])) changed.push(name)
  }
  await Promise.all([before.close(), after.close()])
  return changed.sort()
}

describe('transfer by an adapter', () => {
  it.each([
    ['lora', /attention\.self\.(?:query|value)\.weight$|^classifier\.|pooler/],
    [
      lora({ rank: 4, alpha: 8, decomposed: true, targets: ['key'] }),
      /attention\.self\.key\.weight$|^classifier\.|pooler/,
    ],
    ['ia3', /(?:key|value)\.(?:weight|bias)$|output\.dense\.weight$|^classifier\.|pooler/],
    [ia3({ targets: ['value'] }), /value\.(?:weight|bias)$|^classifier\.|pooler/],
    ['bitfit', /\.bias$|^classifier\.|pooler/],
  ] as const)('learns, and changes only what it is for: %o', async (adapter, isMeant) => {
    const model = await transfer(base, rows, { ...options, adapter })
    const losses = model.training!.history.map(({ loss }) => loss)
    const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss / part.length, 0)
    expect(mean(losses.slice(-8))).toBeLessThan(0.93 * mean(losses.slice(0, 8)))
    const directory = folders.path('model')
    await model.save(directory, { onnx: [], overwrite: true })
    const changed = await changedWeights(directory)
    expect(changed.filter((name) => !isMeant.test(name))).toEqual([])
    expect(changed.length).toBeGreaterThan(3)
    await model.dispose()
  })

  it('saves it as PEFT does, and loads it on the base again', async () => {
    const model = await transfer(base, rows, { ...options, adapter: 'lora' })
    const directory = folders.path('adapter')
    await model.saveAdapter(directory)
    const json = JSON.parse(await readFile(join(directory, 'adapter_config.json'), 'utf8')) as object
    expect(json).toMatchObject({
      peft_type: 'LORA',
      task_type: 'SEQ_CLS',
      r: 8,
      target_modules: ['query', 'value'],
      modules_to_save: ['bert.pooler.dense', 'classifier'],
      base_model_name_or_path: base,
    })
    const { tensors } = await loadAdapter(directory)
    expect(tensors.get('classifier.weight')!.shape).toEqual([2, 16])
    const loaded = await load(base, { adapter: directory, labels: ['no', 'yes'] })
    expect(loaded.labels).toEqual(['no', 'yes'])
    await expectSame(loaded, model)
    const unnamed = await load(base, { adapter: directory })
    expect(unnamed.labels).toEqual(['LABEL_0', 'LABEL_1'])
    await Promise.all([loaded.dispose(), unnamed.dispose()])
    // The whole model has it merged in.
    await model.save(folders.path('merged'), { onnx: ['float32'] })
    const merged = await load(folders.path('merged'))
    await expectSame(merged, model)
    await Promise.all([merged.dispose(), model.dispose()])
  })

  it('is refused where there is none, or it is of another base', async () => {
    const model = await transfer(base, rows, { ...options, epochs: 1 })
    expect((await refusal(model.saveAdapter(folders.path('none')))).message).toContain(
      "saveAdapter: 'model' must be one that was trained by an adapter with files of its own, but got one without.",
    )
    await model.dispose()
    const other = await transfer(base, rows, { ...options, epochs: 1, adapter: lora({ rank: 2 }) })
    await other.saveAdapter(folders.path('small'))
    await other.dispose()
    const distil = await folders.copyBase('distil', 'distilbert-classification')
    expect((await refusal(load(distil, { adapter: folders.path('small') }))).message).toMatch(
      /lora: 'targets'|'adapter'/,
    )
    expect(
      (await refusal(transfer(base, rows, { ...options, adapter: 'loha' as 'lora' }))).message,
    ).toContain("'adapter' must be one of lora, ia3, bitfit, prompt, but got 'loha'")
  })
})
