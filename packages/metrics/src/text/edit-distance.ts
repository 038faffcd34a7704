/** What an edit does to the first text: `keep` and `replace` use a word of both, `insert` one of the second. */
export type Edit = 'keep' | 'replace' | 'insert' | 'delete'

/**
 * A row of the matrix of edit distances, of the cells near the diagonal only: `costs[place]` is the distance between the
 * row's words and the first `start + place` words of the reference.
 */
interface Row {
  start: number
  costs: Int32Array
}

/** Edit distances from one reference to hypotheses of one length. */
export interface EditDistance {
  /** The least number of words to insert, delete or replace. */
  distance(words: readonly string[]): number
  /** Edits that turn `words` into the reference, and are so few. */
  edits(words: readonly string[]): Edit[]
  /** Has following calls take over what they have in common with `words`. */
  remember(words: readonly string[]): void
}

/** How far from the diagonal a cell may be: sacreBLEU's, after Tercom's. */
const beamWidth = 25
const unreachable = 1 << 30

/**
 * Edit distances from `reference` to hypotheses of `length` words, within the beam around the diagonal that sacreBLEU
 * searches (`BeamEditDistance`). Shifted hypotheses begin alike, so the rows of the words they share are kept.
 *
 * @param reference At least one word.
 */
export function createEditDistance(reference: readonly string[], length: number): EditDistance {
  const ratio = length === 0 ? 1 : reference.length / length
  const beam = beamWidth < ratio / 2 ? Math.ceil(ratio / 2 + beamWidth) : beamWidth
  const firstRow: Row = {
    start: 0,
    costs: Int32Array.from({ length: reference.length + 1 }, (_, column) => column),
  }
  let remembered: { words: readonly string[]; rows: readonly Row[] } = { words: [], rows: [firstRow] }

  const nextRow = (above: Row, row: number, word: string): Row => {
    const diagonal = Math.floor(row * ratio)
    const start = Math.max(0, diagonal - beam)
    const end = row === length ? reference.length + 1 : Math.min(reference.length + 1, diagonal + beam)
    const costs = new Int32Array(end - start)
    let left = unreachable
    for (let column = start; column < end; column++) {
      const diagonalCost = column === 0 ? unreachable : costAt(above, column - 1)
      const kept = column > 0 && word === reference[column - 1]
      left = Math.min(diagonalCost + (kept ? 0 : 1), costAt(above, column) + 1, left + 1, unreachable)
      costs[column - start] = left
    }
    return { start, costs }
  }

  const rowsOf = (words: readonly string[]): Row[] => {
    let shared = 0
    while (shared < words.length && words[shared] === remembered.words[shared]) shared++
    const rows = remembered.rows.slice(0, shared + 1)
    for (let row = shared + 1; row <= words.length; row++) {
      rows.push(nextRow(rows[row - 1] ?? firstRow, row, words[row - 1] ?? ''))
    }
    return rows
  }

  return {
    distance: (words) => costAt(rowsOf(words)[words.length] ?? firstRow, reference.length),
    edits: (words) => traceBack(rowsOf(words), words, reference),
    remember(words) {
      remembered = { words, rows: rowsOf(words) }
    },
  }
}

const costAt = ({ start, costs }: Row, column: number) => costs[column - start] ?? unreachable

/** From the last cell to the first: rather keep or replace than delete, rather delete than insert. */
function traceBack(rows: readonly Row[], words: readonly string[], reference: readonly string[]): Edit[] {
  const edits: Edit[] = []
  let row = words.length
  let column = reference.length
  const cost = (upper: number, left: number) => {
    const cells = upper < 0 ? undefined : rows[upper]
    return cells === undefined || left < 0 ? unreachable : costAt(cells, left)
  }
  while (row > 0 || column > 0) {
    const here = cost(row, column)
    const kept = row > 0 && column > 0 && words[row - 1] === reference[column - 1]
    if (here === cost(row - 1, column - 1) + (kept ? 0 : 1)) {
      edits.push(kept ? 'keep' : 'replace')
      row--
      column--
    } else if (here === cost(row - 1, column) + 1) {
      edits.push('delete')
      row--
    } else {
      edits.push('insert')
      column--
    }
  }
  return edits.reverse()
}
