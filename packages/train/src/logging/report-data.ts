import { formatNumber, formatShare } from './format'
import { html, type Html } from './html'
import { tableCard } from './table-card'

/** What a part of the data is made of. */
export interface DataSummary {
  /** For instance `training`. */
  readonly name: string
  /** How many tokens each example has. */
  readonly lengths: readonly number[]
  /** How many examples have each label. */
  readonly labels?: Readonly<Record<string, number>>
}

/** At most so many labels are listed. */
const mostLabels = 50

/** Sizes, lengths and labels of every part. */
export function dataSection(parts: readonly DataSummary[]): Html | undefined {
  const filled = parts.filter(({ lengths }) => lengths.length > 0)
  if (filled.length === 0) return undefined
  return html`<h2>Data</h2>
    <div class="card">
      <table id="data">
        <thead>
          <tr>
            <th></th>
            ${['examples', 'tokens', 'shortest', 'median', 'longest'].map((name) => html`<th class="number">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${filled.map(lengthRow)}
        </tbody>
      </table>
    </div>
    ${labelTable(filled)}
    <p></p>
    <div class="grid-of-cards">${filled.map(histogram)}</div>`
}

function lengthRow({ name, lengths }: DataSummary): Html {
  const sorted = Float64Array.from(lengths).sort()
  const total = sorted.reduce((sum, length) => sum + length, 0)
  const figures = [sorted.length, total, sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!]
  return html`<tr>
    <td>${name}</td>
    ${figures.map((figure) => html`<td class="number">${formatNumber(figure)}</td>`)}
  </tr>`
}

function labelTable(parts: readonly DataSummary[]): Html | undefined {
  const labelled = parts.filter(({ labels }) => labels !== undefined)
  if (labelled.length === 0) return undefined
  const countOf = (label: string) => labelled.map(({ labels }) => labels?.[label] ?? 0)
  const names = [...new Set(labelled.flatMap(({ labels = {} }) => Object.keys(labels)))]
  const frequent = names.sort((a, b) => sum(countOf(b)) - sum(countOf(a))).slice(0, mostLabels)
  const rows = frequent.map(
    (label) =>
      html`<tr>
        <td class="text">${label}</td>
        ${countOf(label).map(
          (count, index) =>
            html`<td class="number">${formatNumber(count)}</td>
              <td class="number origin">${formatShare(count / labelled[index]!.lengths.length)}</td>`,
        )}
      </tr>`,
  )
  const heads = labelled.map(
    ({ name }) =>
      html`<th class="number">${name}</th>
        <th></th>`,
  )
  const omitted = names.length - frequent.length
  const note = omitted > 0 ? `and ${formatNumber(omitted)} rarer labels` : undefined
  return html`<p></p>
    ${tableCard({ id: 'labels', heads: [html`<th>label</th>`, ...heads], rows, note })}`
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

/** How often each length occurs, in at most 30 bars. */
function histogram({ name, lengths }: DataSummary): Html {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1)
  const width = Math.ceil(longest / 30)
  const counts = new Array<number>(Math.ceil(longest / width)).fill(0)
  for (const length of lengths) counts[Math.max(0, Math.ceil(length / width) - 1)]! += 1
  const most = Math.max(...counts)
  const bar = 576 / counts.length
  const bars = counts.map((count, index) => {
    const height = (110 * count) / most
    const range = width === 1 ? `${index + 1}` : `${index * width + 1} to ${(index + 1) * width}`
    return html`<rect
      x="${(12 + index * bar + 1).toFixed(1)}"
      y="${(120 - height).toFixed(1)}"
      width="${(bar - 2).toFixed(1)}"
      height="${height.toFixed(1)}"
      ><title>${range} tokens: ${formatNumber(count)}</title></rect
    >`
  })
  const every = Math.ceil(counts.length / 10)
  const ticks = counts.flatMap((_, index) =>
    index % every === 0
      ? [html`<text x="${(12 + (index + 0.5) * bar).toFixed(1)}" y="138">${(index + 1) * width}</text>`]
      : [],
  )
  return html`<figure>
    <figcaption>Tokens of an example, ${name}</figcaption>
    <svg
      class="bars"
      viewBox="0 0 600 144"
      role="img"
      aria-label="How many examples of ${name} have how many tokens"
    >
      ${bars}${ticks}
    </svg>
  </figure>`
}
