import { refusal } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { base, makeBase, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
// Each is the word that tells it, so that the labels' names are worth something.
const labels = ['good', 'bad', 'play']
const rows = toyRows(labels, { count: 60 })
const held = toyRows(labels, { count: 90, seed: 4 })
// The tiny base starts at random, so that it has to learn more than a pretrained one.
const options = { ...quick, fewShot: true, maxSteps: 150 } as const

describe('few-shot learning', () => {
  it('gives a classifier like any other', async () => {
    const model = await transfer(base, rows, options)
    expect(model.labels).toEqual(['bad', 'good', 'play'])
    expect(model.training!.steps).toBe(150)
    expect(model.notes).toContain(
      "Beside the examples, 60 sentences are learned from that the labels' names make.",
    )
    const { accuracy } = await model.evaluate(held)
    expect(accuracy).toBeGreaterThan(0.85)
    const texts = held.map(({ text }) => text)
    const answers = await model.predict(texts)
    await model.save(folders.path('few'))
    const loaded = await load(folders.path('few'))
    expect(await loaded.predict(texts)).toEqual(answers)
    // And it can be trained on as one.
    const further = await transfer(loaded, rows, { ...quick, epochs: 0.1, validation: false })
    expect(further.notes.join()).not.toContain('start at random')
    await Promise.all([model.dispose(), loaded.dispose(), further.dispose()])
  })

  it.each(['bert', 'roberta', 'modernbert'])(
    'ends with a logistic regression of what the classifier of %s reads',
    async (name) => {
      // The tokenizers of the families that read bytes are alike.
      const tokenizer = `core/encoders/tokenizers/${name === 'bert' ? 'electra' : 'roberta'}`
      const from = await makeBase({ tokenizer, config: `core/encoders/${name}` }, folders.path(name))
      const model = await transfer(from, rows, { ...options, maxSteps: 3, fewShot: { templates: [] } })
      const answers = await model.predict(rows.map(({ text }) => text))
      // Where the penalized likelihood is highest, so many examples are of each label as are said to be, on the whole.
      for (const label of labels) {
        const probable = answers.reduce((sum, { scores }) => sum + scores[label]!, 0)
        expect(probable).toBeCloseTo(rows.filter((row) => row.label === label).length, 3)
      }
      expect(model.notes.join()).not.toContain('sentences')
      await model.dispose()
    },
  )

  it('learns pairs, and labels without letters, from the examples alone', async () => {
    const pairs = rows.map(({ text, label }) => ({ text: 'the film', second: text, label }))
    const short = { ...options, maxSteps: 2 }
    const paired = await transfer(base, pairs, { ...short, textPairColumn: 'second' })
    const numbered = await transfer(base, toyRows([1, 2], { count: 16 }), short)
    for (const { notes } of [paired, numbered]) expect(notes.join()).not.toContain('sentences')
    await Promise.all([paired.dispose(), numbered.dispose()])
  })

  it.each([
    [
      { fewShot: { template: [] } as never },
      "'fewShot.templates' must be a list of sentences",
      'ArgumentError',
    ],
    [{ validation: 0.2 }, "'validation' must be left out with fewShot", 'ArgumentError'],
    [
      { fewShot: { templates: ['no name'] } },
      "'fewShot.templates' must be a list of sentences",
      'ArgumentError',
    ],
    [{ classWeights: 'auto' as const }, "but got 'classWeights'", 'ArgumentError'],
  ])('refuses %j', async (changes, text, name) => {
    const error = await refusal(transfer(base, rows, { ...options, ...changes }))
    expect(error.name).toBe(name)
    expect(error.message).toContain(text)
  })

  it('refuses a data set with rows for validation', async () => {
    const error = await refusal(transfer(base, { train: rows, validation: held }, options))
    expect(error.message).toContain('but got a data set with examples for it')
  })
})
