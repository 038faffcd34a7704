import type { EvaluationRecord, FitResult, PhaseSeconds } from '../events'
import { formatNumber, formatSeconds, formatShare } from './format'
import { html, type Html } from './html'
import { keyLine, lineChart, type Series } from './line-chart'
import { type Point, smooth } from './thin-out'
import { tableCard } from './table-card'

/** The figures that one wants to see first. */
export function headline({ history, best, steps, seconds, stoppedEarly }: FitResult): Html {
  const examples = history.reduce((sum, step) => sum + step.examples, 0)
  const stepSeconds = history.reduce((sum, step) => sum + step.seconds, 0)
  const loss = smoothed(history.map((record): Point => [record.step, record.loss])).points.at(-1)?.[1]
  const numbers: readonly (readonly [string, string | undefined])[] = [
    ['steps', formatNumber(steps) + (stoppedEarly ? ', stopped early' : '')],
    ['epochs', history.length === 0 ? undefined : formatNumber(history.at(-1)!.epoch)],
    ['time', formatSeconds(seconds)],
    [
      'examples per second',
      history.length === 0 ? undefined : formatNumber(Math.round(examples / stepSeconds)),
    ],
    ['loss at the end, smoothed', loss === undefined ? undefined : formatNumber(loss)],
    ...(best
      ? [[`best ${best.metric}, after step ${formatNumber(best.step)}`, formatNumber(best.value)] as const]
      : []),
  ]
  const shown = numbers.filter(([, value]) => value !== undefined)
  return html`<dl class="numbers">
    ${shown.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

/** Loss, rate and norm by step, and every metric of the evaluations. */
export function curves({ history, evaluations }: FitResult): Html {
  const [losses, rates, norms] = (['loss', 'learningRate', 'gradientNorm'] as const).map((field) =>
    history.map((record): Point => [record.step, record[field]]),
  ) as [Point[], Point[], Point[]]
  const metrics = metricNames(evaluations)
  const validation = { ...metricSeries(evaluations, 'loss'), name: 'validation', color: 1 } as const
  const charts = [
    lineChart({ title: 'Loss', series: [eachStep(losses), validation, smoothed(losses)] }),
    lineChart({ title: 'Learning rate', series: [{ name: 'learning rate', points: rates }] }),
    lineChart({ title: 'Gradient norm', series: [eachStep(norms), smoothed(norms)] }),
    ...metrics
      .filter((name) => name !== 'loss')
      .map((name) => lineChart({ title: name, series: [metricSeries(evaluations, name)] })),
  ]
  return html`<h2>Curves</h2>
    <div class="grid-of-cards">${charts}</div>`
}

const eachStep = (points: readonly Point[]): Series => ({ name: 'each step', points, isFaint: true })

/** Over a fiftieth of the run, or ten steps. */
function smoothed(points: readonly Point[]): Series {
  const span = Math.max(10, Math.round(points.length / 50))
  return { name: 'smoothed', points: smooth(points, span), color: 0 }
}

const metricNames = (evaluations: readonly EvaluationRecord[]) => [
  ...new Set(evaluations.flatMap(({ metrics }) => Object.keys(metrics))),
]

function metricSeries(evaluations: readonly EvaluationRecord[], name: string): Series {
  return { name, points: evaluations.map(({ step, metrics }) => [step, metrics[name] ?? NaN]) }
}

/** At most so many evaluations are listed, the last ones. */
const mostEvaluations = 50

/** A table of the evaluations with all their metrics. */
export function evaluationTable({ evaluations, best }: FitResult): Html | undefined {
  if (evaluations.length === 0) return undefined
  const metrics = metricNames(evaluations)
  const rows = evaluations.slice(-mostEvaluations).map(
    (each) =>
      html`<tr class="${each.step === best?.step ? 'best' : ''}">
        <td class="number">${formatNumber(each.step)}</td>
        <td class="number">${each.epoch}</td>
        ${metrics.map((name) => html`<td class="number">${each.metrics[name] === undefined ? '' : formatNumber(each.metrics[name])}</td>`)}
        <td class="number">${formatSeconds(each.seconds)}</td>
      </tr>`,
  )
  const heads = ['step', 'epoch', ...metrics, 'time'].map((name) => html`<th class="number">${name}</th>`)
  const omitted = evaluations.length - rows.length
  const note = omitted > 0 ? `${formatNumber(omitted)} earlier ones are in the charts.` : undefined
  return html`<h2>Evaluations</h2>
    ${tableCard({ id: 'evaluations', heads, rows, note })}`
}

const phaseNames: Readonly<Record<keyof PhaseSeconds, string>> = {
  run: 'forward and backward',
  update: 'accumulation and optimizer',
  data: 'waiting for data',
  evaluate: 'evaluation',
}

/** Where the time went, as a bar and a table. */
export function timings({ seconds, phases }: FitResult): Html {
  const known = Object.entries(phaseNames).map(
    ([phase, name]) => [name, phases[phase as keyof PhaseSeconds]] as const,
  )
  const rest = Math.max(0, seconds - known.reduce((sum, [, value]) => sum + value, 0))
  const parts = [...known, ['anything else', rest] as const]
  const total = parts.reduce((sum, [, value]) => sum + value, 0) || 1
  let x = 0
  const bars = parts.map(([, value], index) => {
    const width = (600 * value) / total
    x += width
    return html`<rect
      class="series-${index}"
      x="${(x - width).toFixed(1)}"
      width="${width.toFixed(1)}"
      height="18"
    />`
  })
  const rows = parts.map(
    ([name, value], index) =>
      html`<tr>
        <td><span class="key series-${index}">${keyLine}</span>${name}</td>
        <td class="number">${formatSeconds(value)}</td>
        <td class="number">${formatShare(value / total)}</td>
      </tr>`,
  )
  return html`<h2>Time</h2>
    <figure id="phases">
      <svg class="phases" viewBox="0 0 600 18" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>
      <table>
        ${rows}
      </table>
    </figure>`
}
