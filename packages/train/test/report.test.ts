import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserPage, findChromium, openInChromium } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportHtml, type RunReport, writeReport } from '../src/index'
import { runOf } from './runs'

const attack = `</script><script>document.title = 'taken'</script><img src="x" onerror="document.title = 'taken'">`
const training = runOf(120)
const report: RunReport = {
  title: `A & B ${attack}`,
  training,
  settings: [
    { name: 'epochs', value: 3, origin: 'Hugging Face Trainer default' },
    { name: 'optimizer', value: attack, origin: 'option' },
  ],
  notes: [attack],
  data: [
    { name: 'training', lengths: [3, 9, 9, 40, 65], labels: { good: 3, [attack]: 2 } },
    { name: 'validation', lengths: [7, 8], labels: { good: 2 } },
  ],
  answers: {
    name: 'validation',
    labels: ['good', attack],
    examples: [
      { text: 'fine', expected: 'good', answered: 'good', probability: 0.9 },
      { text: 'meh', expected: 'good', answered: attack, probability: 0.4 },
      { text: attack, textPair: "it's", expected: 'good', answered: attack, probability: 0.1 },
      { text: '😀'.repeat(400), expected: attack, answered: 'good', probability: 0.2 },
    ],
  },
}

const folder = mkdtempSync(join(tmpdir(), 'tfx-report-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('reportHtml', () => {
  it('is small also for a long run, and keeps its peaks', () => {
    const run = runOf(100_000)
    const history = run.history.with(54_321, { ...run.history[54_321]!, gradientNorm: 777.25 })
    const page = reportHtml({ training: { ...run, history } })
    expect(page.length).toBeLessThan(1e6)
    expect(page).toContain('[54322,777.25]')
    expect(page).toContain('<dd>100,000</dd>')
  })

  it('needs no more than a run, even one that was aborted at once', () => {
    const { phases } = training
    const nothing = {
      history: [],
      evaluations: [],
      best: undefined,
      steps: 0,
      stoppedEarly: false,
      seconds: 0,
      phases,
    }
    const page = reportHtml({ training: nothing })
    expect(page).toContain('Nothing to show.')
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/)
  })

  it('shows what is not a number as a gap', () => {
    const [first, ...others] = training.evaluations
    const evaluations = [{ ...first!, metrics: { accuracy: NaN, loss: Infinity } }, ...others]
    const page = reportHtml({ training: { ...training, evaluations } })
    expect(page).not.toMatch(/points="[^"]*(NaN|Infinity)/)
  })

  it('lists the most frequent of what is many', () => {
    const labels = Array.from({ length: 60 }, (_, index) => `label ${index}`)
    // Label i is taken for the next one i times, and never told right.
    const examples = labels.slice(0, 40).flatMap((expected, index) =>
      Array.from({ length: index }, () => ({
        text: `${expected} taken`,
        expected,
        answered: labels[index + 1]!,
        probability: 1 / (index + 1),
      })),
    )
    const counts = Object.fromEntries(labels.map((label, index) => [label, index]))
    const page = reportHtml({
      training: runOf(600),
      data: [{ name: 'all', lengths: labels.map((_, index) => index), labels: counts }],
      answers: { name: 'all', labels, examples },
    })
    const plain = page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
    expect(plain.includes('how often label 39 label 40 39 label 38 label 39 38 ')).toBe(true)
    expect(plain.includes('label 15 label 16 15 ')).toBe(true)
    expect(plain.includes('label 14 label 15 14 ')).toBe(false)
    expect(page.match(/label \d+ taken/g)).toEqual(new Array(25).fill('label 39 taken'))
    expect(plain.includes('and 10 rarer labels')).toBe(true)
    expect(plain.includes('10 earlier ones are in the charts')).toBe(true)
  })

  it('scales what hardly differs', () => {
    const { history } = training
    const flat = history.map((record) => ({
      ...record,
      loss: 1,
      learningRate: 0,
      gradientNorm: 1 + record.step * 1e-16,
    }))
    expect(reportHtml({ training: { ...training, history: flat } })).not.toMatch(/points="[^"]*NaN/)
  })
})

describe('writeReport', () => {
  it('makes the directories, replaces what is there, and leaves nothing else', async () => {
    const file = join(folder, 'deep', 'er', 'run.html')
    await writeReport(file, { training })
    await writeReport(file, report)
    expect(readdirSync(join(folder, 'deep', 'er'))).toEqual(['run.html'])
  })

  it('says what is wrong if it cannot', async () => {
    writeFileSync(join(folder, 'a-file'), '')
    await expect(writeReport(join(folder, 'a-file', 'run.html'), { training })).rejects.toThrow(
      /^writeReport: 'directory' must be writable, but got (ENOTDIR|EEXIST) at/,
    )
  })
})

describe.skipIf(findChromium() === undefined)('the report in Chromium', () => {
  let seen: Awaited<ReturnType<typeof look>>
  beforeAll(async () => {
    const file = join(folder, 'run.html')
    await writeReport(file, report)
    seen = await openInChromium(file, look)
  })

  it('opens without a network, a request, a message or a script of the data', () => {
    expect(seen.messages).toEqual([])
    expect(seen.requests).toEqual([])
    expect(seen.title).toBe(report.title)
    expect(seen.elements).toEqual({ images: 0, scripts: 1 })
  })

  it('draws every step and evaluation, where its axis says', () => {
    const { history, evaluations } = training
    const step = <T>(list: readonly T[], value: (record: T) => number) => list.map(value)
    const expected = {
      'Loss · each step': step(history, ({ loss }) => loss),
      'Loss · validation': step(evaluations, ({ metrics }) => metrics.loss!),
      'Learning rate · learning rate': step(history, ({ learningRate }) => learningRate),
      'Gradient norm · each step': step(history, ({ gradientNorm }) => gradientNorm),
      'accuracy · accuracy': step(evaluations, ({ metrics }) => metrics.accuracy!),
    }
    for (const [name, values] of Object.entries(expected)) {
      const { exact, drawn, unitsPerPixel } = seen.curves[name]!
      expect(exact).toEqual(values)
      // Coordinates have one decimal.
      expect(drawn).toBeAllClose(values, { absolute: 0.06 * unitsPerPixel, relative: 0 })
    }
    expect(Object.keys(seen.curves)).toHaveLength(7)
  })

  it('smooths as an average of the steps before, corrected for its start', () => {
    let [average, weight] = [0, 0]
    const expected = training.history.map(({ loss }) => {
      average = 0.9 * average + 0.1 * loss
      weight = 0.9 * weight + 0.1
      return average / weight
    })
    expect(seen.curves['Loss · smoothed']!.exact).toBeAllClose(expected, { relative: 1e-12 })
  })

  it('reads a value out under the pointer', () => {
    const { loss } = training.history[59]!
    expect(seen.readout).toMatch(/^step 60 · each step \S+ · validation \S+ · smoothed \S+$/)
    expect(Number(/each step (\S+)/.exec(seen.readout)![1])).toBeCloseTo(loss, 5)
  })

  it('lists evaluations, settings, data and answers', () => {
    const { tables } = seen
    expect(tables.evaluations).toHaveLength(13)
    expect(tables.evaluations![12]).toEqual(['120', '3', '0.9216', '0.2568', '500 ms'])
    expect(tables.settings![2]).toEqual(['optimizer', attack, 'option'])
    expect(tables.data!.slice(1)).toEqual([
      ['training', '5', '126', '3', '9', '65'],
      ['validation', '2', '15', '7', '8', '8'],
    ])
    expect(tables.labels!.slice(1)).toEqual([
      ['good', '3', '60.0 %', '2', '100.0 %'],
      [attack, '2', '40.0 %', '0', '0.0 %'],
    ])
    expect(tables.confusion!.slice(1)).toEqual([
      ['good', '1', '2'],
      [attack, '1', '0'],
    ])
    const mistakes = tables.mistakes!.slice(1)
    expect(mistakes.map(([text]) => text)).toEqual([`${attack} it's`, `${'😀'.repeat(299)}…`, 'meh'])
    expect(mistakes[0]!.slice(1)).toEqual(['good', attack, '10.0 %'])
  })
})

/** Reads the page as a reader sees it. */
async function look({ page, messages, requests }: BrowserPage) {
  const svg = page.locator('figure[data-chart="Loss"] svg[role]')
  // The middle of an axis from 1 to 120, between step 60 and 61: a little to the left.
  const { x, y, width } = (await svg.boundingBox())!
  await page.mouse.move(x + (width * (64 + (588 - 64) * (59.2 / 119))) / 600, y + 50)
  const readout = await page.locator('figure[data-chart="Loss"] output').innerText()
  const content = await page.evaluate(() => {
    const all = (selector: string, root: ParentNode = document) => Array.from(root.querySelectorAll(selector))
    const textOf = (element: Element) => element.textContent.replace(/\s+/g, ' ').trim()
    const curves = all('figure.chart').flatMap((figure) => {
      const ticks = all('.ticks.y text', figure).map((tick): [number, number] => [
        Number(tick.getAttribute('y')),
        Number(tick.getAttribute('data-value')),
      ])
      const [low, high] = [ticks[0]!, ticks.at(-1)!]
      const unitsPerPixel = (high[1] - low[1]) / (low[0] - high[0])
      const { series } = JSON.parse(figure.querySelector('script')!.textContent) as {
        series: { points: [number, number][] }[]
      }
      return all('polyline', figure).map((line, index) => {
        const points = line.getAttribute('points')!.split(' ')
        const drawn = points.map((point) => low[1] + (low[0] - Number(point.split(',')[1])) * unitsPerPixel)
        const name = `${figure.getAttribute('data-chart')} · ${line.getAttribute('data-series')}`
        return [
          name,
          { exact: series[index]!.points.map(([, value]) => value), drawn, unitsPerPixel },
        ] as const
      })
    })
    const tables = all('table[id]').map((table): [string, string[][]] => [
      table.id,
      all('tr', table).map((row) => Array.from(row.children, textOf)),
    ])
    const elements = { images: all('img').length, scripts: all('script:not([type])').length }
    return {
      title: document.title,
      curves: Object.fromEntries(curves),
      tables: Object.fromEntries(tables),
      elements,
    }
  })
  return { ...content, readout, messages, requests }
}
