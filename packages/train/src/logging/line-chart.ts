import { formatNumber } from './format'
import { html, type Html, jsonBlock } from './html'
import { type Point, thinOut } from './thin-out'

/** A curve with its name. */
export interface Series {
  readonly name: string
  /** In the order of x. */
  readonly points: readonly Point[]
  /** Which of the four colours it has. Default: in order. */
  readonly color?: 0 | 1 | 2 | 3
  /** Drawn faintly. Default false. */
  readonly isFaint?: boolean
}

/** What {@link lineChart} draws. */
export interface LineChart {
  readonly title: string
  /** From back to front; at most four. Points that are no finite number are left out. */
  readonly series: readonly Series[]
}

const size = { width: 600, height: 250 }
const box = { left: 64, right: 588, top: 12, bottom: 216 }
/** About two for each pixel column of the plot. */
const mostPoints = 1000
/** Up to so many points are marked one by one. */
const mostMarkers = 40

/** The line of a key that says which colour means what. */
export const keyLine = html`<svg viewBox="0 0 16 8" width="16" height="8" aria-hidden="true">
  <path d="M0 4H16" />
</svg>`

/**
 * Curves over the steps of a run, as a figure with an SVG image, and its points as JSON, from which a script can read values out.
 *
 * @returns The figure; one that says so if there is nothing to draw.
 */
export function lineChart({ title, series: given }: LineChart): Html {
  const series = given
    .map(({ name, points, color, isFaint = false }, index) => ({
      name,
      points: thinOut(points.filter(isFinitePoint), mostPoints),
      style: `series-${color ?? index}${isFaint ? ' faint' : ''}`,
    }))
    .filter(({ points }) => points.length > 0)
  const points = series.flatMap((each) => each.points)
  if (points.length === 0) {
    return html`<figure>
      <figcaption>${title}</figcaption>
      <p class="quiet">Nothing to show.</p>
    </figure>`
  }
  const x = axis(
    points.map(([at]) => at),
    { from: box.left, to: box.right },
  )
  const y = axis(
    points.map(([, value]) => value),
    { from: box.bottom, to: box.top, padded: true },
  )
  const place = ([at, value]: Point) => `${x.place(at)},${y.place(value)}`
  const curves = series.map(
    ({ name, points: own, style }) =>
      html`<g class="series ${style}">
        <polyline data-series="${name}" points="${own.map(place).join(' ')}" />
        ${own.length <= mostMarkers ? own.map(([at, value]) => html`<circle cx="${x.place(at)}" cy="${y.place(value)}" r="2.5" />`) : undefined}
      </g>`,
  )
  const legend = series.map(({ name, style }) => html`<span class="key ${style}">${keyLine}${name}</span>`)
  const values = series.map(({ name, points: own }) => ({ name, points: own }))
  return html`<figure class="chart" data-chart="${title}">
    <figcaption>${title} ${series.length > 1 ? legend : undefined}</figcaption>
    <svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${title} by step">
      <g class="grid">
        ${y.ticks.map((tick) => html`<path d="M${box.left} ${y.place(tick)}H${box.right}" />`)}
      </g>
      <g class="ticks x">
        ${x.ticks.map((tick) => html`<text x="${x.place(tick)}" y="${box.bottom + 18}">${formatNumber(tick, 8)}</text>`)}
        <text x="${(box.left + box.right) / 2}" y="${box.bottom + 33}">step</text>
      </g>
      <g class="ticks y">
        ${y.ticks.map((tick) => html`<text data-value="${tick}" x="${box.left - 8}" y="${y.place(tick)}" dy="0.32em">${formatNumber(tick, 8)}</text>`)}
      </g>
      ${curves}
      <path class="cursor" d="" />
    </svg>
    <output></output>
    ${jsonBlock({ ...box, first: x.low, last: x.high, series: values })}
  </figure>`
}

const isFinitePoint = ([x, y]: Point) => Number.isFinite(x) && Number.isFinite(y)

interface Axis {
  readonly low: number
  readonly high: number
  readonly ticks: readonly number[]
  place(value: number): number
}

/** Maps values to coordinates, to a tenth of a unit; `padded` axes begin and end at a tick. */
function axis(
  values: readonly number[],
  { from, to, padded = false }: { from: number; to: number; padded?: boolean },
): Axis {
  let low = values.reduce((least, value) => Math.min(least, value), Infinity)
  let high = values.reduce((most, value) => Math.max(most, value), -Infinity)
  // Differences that are lost in rounding make no scale.
  if (high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high))) {
    const margin = Math.abs(low) / 10 || 1
    ;[low, high] = padded ? [low - margin, high + margin] : [low, high + 1]
  }
  const step = tickStep((high - low) / 5)
  if (padded) [low, high] = [Math.floor(low / step) * step, Math.ceil(high / step) * step]
  const first = Math.ceil(low / step)
  const count = Math.floor(high / step + 1e-9) - first + 1
  const ticks = Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)))
  const place = (value: number) => Number((from + ((value - low) / (high - low)) * (to - from)).toFixed(1))
  return { low, high, ticks, place }
}

/** The next larger of 1, 2 and 5 times a power of ten. */
function tickStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return power * [1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9))!
}
