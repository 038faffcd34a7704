import { html, type Html } from './html'

/** Options of {@link tableCard}. */
interface TableCard {
  readonly id: string
  /** The cells of the first row. */
  readonly heads: Html | readonly Html[]
  readonly rows: readonly Html[]
  /** A class of the table. Default: none. */
  readonly className?: string
  /** What stands below. Default: nothing. */
  readonly note?: string | undefined
}

/** A table in a box of the report. */
export function tableCard({ id, heads, rows, className = '', note }: TableCard): Html {
  return html`<div class="card">
    <table id="${id}" class="${className}">
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
    ${note === undefined ? undefined : html`<p class="quiet">${note}</p>`}
  </div>`
}
