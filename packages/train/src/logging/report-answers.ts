import { formatNumber, formatShare } from './format'
import { html, type Html } from './html'
import { tableCard } from './table-card'

/** What a classifier said of an example whose label is known. */
export interface JudgedExample {
  readonly text: string
  /** The second text of a task over pairs. */
  readonly textPair?: string
  readonly expected: string
  readonly answered: string
  /** The probability that it gave the expected label. */
  readonly probability: number
}

/** A classifier's answers on labelled examples. */
export interface JudgedAnswers {
  /** The part of the data that they are of, for instance `validation`. */
  readonly name: string
  /** All labels, in order. */
  readonly labels: readonly string[]
  readonly examples: readonly JudgedExample[]
}

/** Up to so many labels there is a matrix, above it a list of the most frequent confusions. */
const mostLabels = 16
/** How many wrong answers, and frequent confusions, are listed. */
const mostListed = 25
/** Characters of a text that are shown. */
const mostCharacters = 600

/** Which label is taken for which, and the examples that were got wrong, the surest mistakes first. */
export function answersSection({ name, labels, examples }: JudgedAnswers): Html | undefined {
  if (examples.length === 0) return undefined
  const wrong = examples.filter(({ expected, answered }) => expected !== answered)
  const worst = [...wrong].sort((a, b) => a.probability - b.probability).slice(0, mostListed)
  const share = formatShare(wrong.length / examples.length)
  return html`<h2>Answers</h2>
    <p>
      ${formatNumber(wrong.length)} of ${formatNumber(examples.length)} examples of ${name} are answered
      wrongly (${share}).
    </p>
    ${labels.length <= mostLabels ? matrix(labels, examples) : frequentConfusions(wrong)}
    ${worst.length === 0 ? undefined : mistakes(worst)}`
}

function matrix(labels: readonly string[], examples: readonly JudgedExample[]): Html {
  const counts = countPairs(examples)
  const rows = labels.map((expected) => {
    const row = labels.map((answered) => counts.get(expected)?.get(answered) ?? 0)
    const total = row.reduce((sum, count) => sum + count, 0) || 1
    const cells = row.map((count, index) => {
      const kind = labels[index] === expected ? 'right' : 'wrong'
      return html`<td class="${kind}-${Math.ceil((10 * count) / total)}">${formatNumber(count)}</td>`
    })
    return html`<tr>
      <th>${expected}</th>
      ${cells}
    </tr>`
  })
  const heads = ['label ↓ answer →', ...labels].map((label) => html`<th>${label}</th>`)
  return tableCard({ id: 'confusion', className: 'confusion', heads, rows })
}

function frequentConfusions(wrong: readonly JudgedExample[]): Html | undefined {
  const pairs = [...countPairs(wrong)].flatMap(([expected, row]) =>
    [...row].map(([answered, count]) => ({ expected, answered, count })),
  )
  const frequent = pairs.sort((a, b) => b.count - a.count).slice(0, mostListed)
  if (frequent.length === 0) return undefined
  const rows = frequent.map(
    ({ expected, answered, count }) =>
      html`<tr>
        <td>${expected}</td>
        <td>${answered}</td>
        <td class="number">${formatNumber(count)}</td>
      </tr>`,
  )
  const heads = html`<th>label</th>
    <th>answer</th>
    <th class="number">how often</th>`
  return tableCard({ id: 'confusions', heads, rows })
}

/** Expected label → answered label → how often. */
function countPairs(examples: readonly JudgedExample[]): Map<string, Map<string, number>> {
  const counts = new Map<string, Map<string, number>>()
  for (const { expected, answered } of examples) {
    const row = counts.get(expected) ?? new Map<string, number>()
    counts.set(expected, row.set(answered, (row.get(answered) ?? 0) + 1))
  }
  return counts
}

function mistakes(worst: readonly JudgedExample[]): Html {
  const rows = worst.map(
    ({ text, textPair, expected, answered, probability }) =>
      html`<tr>
        <td class="text">${spoken(text)} ${textPair === undefined ? undefined : spoken(textPair)}</td>
        <td>${expected}</td>
        <td class="false">${answered}</td>
        <td class="number">${formatShare(probability)}</td>
      </tr>`,
  )
  return html`<h2>Got wrong</h2>
    <p class="quiet">The surest mistakes first.</p>
    <div class="card">
      <table id="mistakes">
        <thead>
          <tr>
            <th>text</th>
            <th>label</th>
            <th>answer</th>
            <th class="number">probability of the label</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`
}

const spoken = (text: string) => html`<div dir="auto">${cut(text)}</div>`

/** Whole characters: no half of a surrogate pair. */
function cut(text: string): string {
  return text.length <= mostCharacters
    ? text
    : `${[...text.slice(0, mostCharacters - 1)].slice(0, -1).join('')}…`
}
