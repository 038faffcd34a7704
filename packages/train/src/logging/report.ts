import { createHash } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describeWriteFailure } from '@tfx/common'
import type { FitResult } from '../events'
import { html, type Html } from './html'
import { answersSection, type JudgedAnswers } from './report-answers'
import { dataSection, type DataSummary } from './report-data'
import { reportScript } from './report-script'
import { reportStyle } from './report-style'
import { curves, evaluationTable, headline, timings } from './report-training'
import { tableCard } from './table-card'

/** What a report is made of: all but the training may be left out. */
export interface RunReport {
  /** Default `Training run`. */
  readonly title?: string
  /** What `fit` returned, or what an abort left. */
  readonly training: FitResult
  /** Values with where they come from, as `TransferModel.settings`; those with the origin `option` stand out. */
  readonly settings?: readonly ReportedSetting[]
  /** Things worth knowing. */
  readonly notes?: readonly string[]
  readonly data?: readonly DataSummary[]
  /** Of a classifier: gives the confusion matrix, and the examples that it got wrong. */
  readonly answers?: JudgedAnswers
}

/** A setting as a report shows it. */
export interface ReportedSetting {
  readonly name: string
  readonly value: number | string | boolean
  readonly origin: string
}

/**
 * A report of a training run as one HTML page that needs nothing else: no network, no other file, and by its own content
 * security policy it may not even ask for them. Curves of loss, rate, gradient norm and metrics, evaluations, settings, data,
 * answers and timings; light or dark. Long curves are thinned out so that every peak stays, and the page well under 1 MB.
 *
 * @example
 * ```ts
 * const training = await fit({ … })
 * const page = reportHtml({ title: 'My run', training })
 * ```
 */
export function reportHtml({
  title = 'Training run',
  training,
  settings = [],
  notes = [],
  data = [],
  answers,
}: RunReport): string {
  const sections = [
    headline(training),
    notes.length === 0
      ? undefined
      : html`<h2>Notes</h2>
          <ul id="notes">
            ${notes.map((note) => html`<li>${note}</li>`)}
          </ul>`,
    curves(training),
    evaluationTable(training),
    answers && answersSection(answers),
    dataSection(data),
    timings(training),
    settingsTable(settings),
  ]
  const policy = `default-src 'none'; style-src '${hashOf(reportStyle)}'; script-src '${hashOf(reportScript)}'; base-uri 'none'; form-action 'none'`
  // Their hashes are in the policy, so not a space may be added to them.
  const style = { markup: `<style>${reportStyle}</style>` }
  const script = { markup: `<script>${reportScript}</script>` }
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${style}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${sections.map((section) => html`<section>${section}</section>`)}
        </main>
        ${script}
      </body>
    </html> `.markup
}

/**
 * Writes {@link reportHtml} to a file, whole or not at all.
 *
 * @param file By custom a .html; directories above it are made, a file that is there is replaced.
 * @throws FileSystemError if it cannot be written.
 *
 * @example
 * ```ts
 * await writeReport('./run.html', { training: await fit({ … }) })
 * ```
 */
export async function writeReport(file: string, report: RunReport): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`)
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(temporary, reportHtml(report))
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw describeWriteFailure(error, { caller: 'writeReport', directory: file })
  }
}

function settingsTable(settings: readonly ReportedSetting[]): Html | undefined {
  if (settings.length === 0) return undefined
  const rows = settings.map(
    ({ name, value, origin }) =>
      html`<tr>
        <td>${name}</td>
        <td>${String(value)}</td>
        <td class="${origin === 'option' ? 'given' : 'origin'}">${origin}</td>
      </tr>`,
  )
  const heads = ['name', 'value', 'from'].map((name) => html`<th>${name}</th>`)
  return html`<h2>Settings</h2>
    ${tableCard({ id: 'settings', heads, rows })}`
}

const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`
