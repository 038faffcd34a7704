import { readFile, writeFile } from 'node:fs/promises'
import { AbortedError, ArgumentError, DataError, EngineError, TfxError } from '@tfx/common'
import { lora } from '@tfx/core'
import { readRows } from '@tfx/data'
import { adamW, linearSchedule, TrainingAbortedError, type TrainingEvent } from '@tfx/train'
import { failureOf, fixturePath, refusal } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { learnedSoFar, load, type SentimentModel, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 40 })
const threaded = { ...quick, epochs: 2, thread: true } as const

describe('a model in a thread', () => {
  it('is the same as one that is not', async () => {
    const typesOf = (events: readonly TrainingEvent[]) => events.map(({ type }) => type)
    const run = async (thread: boolean) => {
      const events: TrainingEvent[] = []
      const model = await transfer(base, rows, {
        ...threaded,
        thread,
        onEvent: (event) => events.push(event),
      })
      return { events, model }
    }
    const [here, there] = [await run(false), await run(true)]
    const { model } = there
    expect(typesOf(there.events)).toEqual(typesOf(here.events))
    expect(there.events.at(-1)).toEqual({ type: 'end', result: model.training })
    for (const name of ['config', 'labels', 'settings', 'notes'] as const)
      expect(model[name]).toEqual(here.model[name])
    const losses = (trained: SentimentModel) => trained.training!.history.map(({ loss }) => loss)
    expect(losses(model)).toEqual(losses(here.model))

    const texts = rows.map(({ text }) => text)
    expect(await model.predict('the good movie')).toEqual(await here.model.predict('the good movie'))
    expect(await model.predict(texts)).toEqual(await here.model.predict(texts))
    expect(await model.evaluate(rows)).toEqual(await here.model.evaluate(rows))

    await model.save(folders.path('there'))
    await here.model.save(folders.path('here'))
    const [weights, expected] = await Promise.all(
      ['there', 'here'].map((name) => readFile(`${folders.path(name)}/model.safetensors`)),
    )
    expect(weights!.equals(expected!)).toBe(true)
    const loaded = await load(folders.path('there'), { thread: true })
    expect(loaded).not.toHaveProperty('training')
    expect(await loaded.predict(texts)).toEqual(await model.predict(texts))
    await Promise.all([model, here.model, loaded].map((each) => each.dispose()))
  })

  it('takes long lists, files, iterables and rows that know their place', async () => {
    const file = folders.path('rows.csv')
    const csv = rows.map(({ text, label }) => `${text},${String(label)}`).join('\n')
    await writeFile(file, `text,label\n${csv}\n`)
    async function* later() {
      for (const row of rows) yield Promise.resolve(row)
    }
    const model = await transfer(base, later(), { ...threaded, validation: new URL(`file://${file}`) })
    const expected = await model.evaluate(file)
    expect(await model.evaluate(new Set(rows))).toEqual(expected)
    expect(await model.evaluate(readRows(file))).toEqual(expected)
    const many = toyRows(['no', 'yes'], { count: 700 })
    const answers = await model.predict(many)
    expect(answers).toHaveLength(700)
    expect(answers[699]).toEqual((await model.predict(many.slice(672)))[27])
    expect((await model.evaluate(many)).accuracy).toBeGreaterThan(0.4)
    await writeFile(file, `text,label\n${csv}\ngood,\n`)
    expect((await refusal(model.evaluate(readRows(file)))).message).toContain('rows.csv')
    await model.dispose()
  })

  it('works beside others, and is the base of another in its thread', async () => {
    const [first, second] = await Promise.all([
      transfer(base, rows, { ...threaded, adapter: lora({ rank: 2 }) }),
      transfer(base, rows, { ...threaded, seed: 7 }),
    ])
    expect(await first.predict('good')).not.toEqual(await second.predict('good'))
    await first.saveAdapter(folders.path('adapter'))
    const further = await transfer(second, rows, threaded)
    await second.dispose()
    expect(await further.predict('good')).toHaveProperty('label')
    expect(await refusal(second.predict('good'))).toEqual({
      name: 'EngineError',
      message: "predict: 'model' must be one that is not disposed of, but got one that was. Load it again.",
    })
    await Promise.all([first.dispose(), further.dispose(), further.dispose()])
    await expect(further.predict('good')).rejects.toBeInstanceOf(EngineError)
  })
})

describe('what goes wrong in a thread', () => {
  it.each<[string, (thread: boolean) => Promise<unknown>]>([
    ['a base that is not there', (thread) => transfer('./nowhere', rows, { ...quick, thread })],
    ['a wrong value', (thread) => transfer(base, rows, { ...quick, epochs: -1, thread })],
    ['a wrong name', (thread) => transfer(base, rows, { ...quick, epoch: 1, thread } as never)],
    ['data of one class', (thread) => transfer(base, toyRows(['no']), { ...quick, thread })],
    ['a file that is not there', (thread) => transfer(base, 'nowhere.csv', { ...quick, thread })],
    [
      'a loss that is not a number',
      (thread) => transfer(base, rows, { ...quick, learningRate: 1e30, maxGradientNorm: 0, thread }),
    ],
    ['another model', (thread) => load(fixturePath('core/bert'), { thread })],
  ])('is told as without one: %s', async (_, call) => {
    const [here, there] = [await failureOf(call(false)), await failureOf(call(true))]
    expect(there).toBeInstanceOf(TfxError)
    expect(there.constructor).toBe(here.constructor)
    expect({ ...there }).toEqual({ ...here })
    expect([there.name, there.message]).toEqual([here.name, here.message])
    const causes = (error: unknown): unknown[] =>
      error instanceof Error ? [[error.name, error.message], ...causes(error.cause)] : []
    expect(causes(there)).toEqual(causes(here))
  })

  it('keeps what was learned until an abort', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const error = await failureOf(
      transfer(base, rows, {
        ...threaded,
        epochs: 1000,
        validation: false,
        signal: controller.signal,
        onEvent: (event) => {
          if (event.type === 'step' && event.step === 3) controller.abort(reason)
        },
      }),
    )
    expect(error).toBeInstanceOf(TrainingAbortedError)
    const { history } = (error as TrainingAbortedError).result
    expect(history.length).toBeGreaterThanOrEqual(3)
    expect((error.cause as AbortedError).cause).toBe(reason)
    const model = learnedSoFar<SentimentModel>(error)!
    expect(model.training?.history).toEqual(history)
    expect(await model.predict('good')).toHaveProperty('label')
    const stopped = await failureOf(model.predict(['good'], { signal: AbortSignal.abort(reason) }))
    expect(stopped).toBeInstanceOf(AbortedError)
    expect(stopped.cause).toBe(reason)
    await model.dispose()
  })

  it('gives back the very error of a listener or of the data', async () => {
    const thrown = new Error('mine')
    const onEvent = ({ type }: { type: string }) => {
      if (type === 'step') throw thrown
    }
    const error = await failureOf(transfer(base, rows, { ...threaded, onEvent }))
    expect(error).toBe(thrown)
    const model = learnedSoFar<SentimentModel>(error)
    expect(await model?.predict('good')).toHaveProperty('label')
    await model?.dispose()
    function* broken() {
      yield* rows
      throw thrown
    }
    expect(await failureOf(transfer(base, broken(), threaded))).toBe(thrown)
  })

  it('refuses what cannot go there', async () => {
    const refused = [
      transfer(base, rows, { ...threaded, optimizer: adamW() }),
      transfer(base, rows, { ...threaded, schedule: (run) => linearSchedule({ ...run, warmupSteps: 1 }) }),
      load(base).then((model) => transfer(model, rows, threaded)),
      transfer(base, [...rows, { text: () => 'good', label: 'no' }], threaded),
      transfer(base, [{ text: Symbol('good'), label: 'no' }][Symbol.iterator](), threaded),
    ]
    const errors = await Promise.all(refused.map((promise) => failureOf(promise)))
    expect(errors.map(({ message }) => message)).toEqual([
      "transfer: 'optimizer' must be plain data, which can go to another thread, but got a function in update. " +
        "Pass a name, such as 'lion' for an optimizer or 'cosine' for a schedule, or call transfer without { thread: true }.",
      "transfer: 'schedule' must be plain data, which can go to another thread, but got a function. " +
        "Pass a name, such as 'lion' for an optimizer or 'cosine' for a schedule, or call transfer without { thread: true }.",
      "transfer: 'base' must be a name, a directory, or a model that is in a thread too and not disposed of, but got another model. " +
        'Save it and pass the directory.',
      expect.stringContaining("transfer: 'data' must be made of plain data, which can go to another thread"),
      expect.stringContaining('Symbol(good) could not be cloned'),
    ])
    expect(errors.slice(0, 3).every((error) => error instanceof ArgumentError)).toBe(true)
    expect(errors.slice(3).every((error) => error instanceof DataError)).toBe(true)
  })
})
