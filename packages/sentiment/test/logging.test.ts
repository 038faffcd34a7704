import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { failureOf, refusal } from '@tfx/testing'
import { describe, expect, it, vi } from 'vitest'
import { learnedSoFar, type SentimentModel, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const positive = '<script>alert(1)</script>'
const rows = toyRows(['no', positive], { count: 60 })
// A row that no model can get right.
const odd = { text: 'the movie was good & <b>bold</b>', label: positive }
const validation = [...toyRows(['no', positive], { count: 12, seed: 2 }), odd]

describe('what transfer writes of a training', () => {
  it('is a report with the examples got wrong, an event file, and a log', async () => {
    const [report, tensorBoard, jsonLines] = ['a/run.html', 'runs/a', 'run.jsonl'].map(folders.path) as [
      string,
      string,
      string,
    ]
    const options = { ...quick, epochs: 4, report, tensorBoard, jsonLines }
    const model = await transfer(base, { train: rows, validation }, options)
    const { training } = model

    const page = readFileSync(report, 'utf8')
    expect(page.includes(positive)).toBe(false)
    const found = (pattern: RegExp) => pattern.exec(page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' '))?.[0]
    expect(found(/Fine-tuning \S+ for sentiment/)).toBe(`Fine-tuning ${base} for sentiment`)
    expect(found(/the movie was good &amp;\S* \S+/)).toBe('the movie was good &amp; &lt;b&gt;bold&lt;/b&gt;')
    const answers = await model.predict(validation)
    const wrong = answers.filter(({ label }, index) => label !== validation[index]!.label).length
    expect(wrong).toBeGreaterThan(0)
    expect(found(/\d+ of \d+ examples of \w+/)).toBe(`${wrong} of 13 examples of validation`)
    const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;'
    expect(found(/\S+ 30 50.0 % 7 .*? %/)).toBe(`${escaped} 30 50.0 % 7 53.8 %`)
    expect(found(/learningRate \S+ \w+/)).toBe('learningRate 0.005 option')
    const values = /"name":"each step","points":(\[\[.*?\]\])/.exec(page)![1]!
    expect(JSON.parse(values)).toEqual(training!.history.map(({ step, loss }) => [step, loss]))

    expect(readdirSync(tensorBoard)).toEqual([expect.stringMatching(/^events\.out\.tfevents\./)])
    const lines = readFileSync(jsonLines, 'utf8').trimEnd().split('\n')
    expect(lines.filter((line) => line.includes('"type":"step"'))).toHaveLength(training!.steps)
    await model.dispose()
  })

  it('is a report also of a training that was aborted', async () => {
    const report = folders.path('aborted.html')
    const controller = new AbortController()
    const error = await failureOf(
      transfer(base, rows, {
        ...quick,
        report,
        signal: controller.signal,
        onEvent: (event) => event.type === 'step' && event.step === 3 && controller.abort(),
      }),
    )
    const page = readFileSync(report, 'utf8')
    expect(page.includes('<dd>3</dd>')).toBe(true)
    expect(page.includes('are answered wrongly')).toBe(false)
    await learnedSoFar<SentimentModel>(error)!.dispose()
  })

  it('is no report over the data', async () => {
    expect(await refusal(transfer(base, 'reviews.csv', { report: './reviews.csv' }))).toEqual({
      name: 'ArgumentError',
      message:
        "transfer: 'report' must be the path of an .html file to write, but got './reviews.csv'. For instance './run.html'.",
    })
  })

  it('costs no model if the report cannot be written', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    writeFileSync(folders.path('a-file'), '')
    const model = await transfer(base, rows, {
      ...quick,
      epochs: 0.1,
      report: folders.path('a-file/run.html'),
    })
    expect(model.labels).toEqual([positive, 'no'])
    expect(String(warn.mock.calls[0]![0])).toContain("writeReport: 'directory' must be writable")
    warn.mockRestore()
    await model.dispose()
  })
})
