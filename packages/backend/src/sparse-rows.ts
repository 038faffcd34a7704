import { EngineError } from '@tfx/common'

/** Row-sparse numbers to be added into a dense array. */
export interface SparseRows {
  /** int32 [count]; a row may occur several times. */
  ids: Int32Array
  /** [count × width] */
  rows: Float32Array
  /** The rows that are not zero in the target, if that is known. */
  stale?: Int32Array | undefined
}

/**
 * Sets `target` to zero but for the sums of the given rows.
 *
 * @throws EngineError on a negative id, which onnxruntime would take to count from the end of the table.
 */
export function addSparseRows(target: Float32Array, { ids, rows, stale }: SparseRows): void {
  const width = ids.length === 0 ? 0 : rows.length / ids.length
  if (stale && width > 0) for (const id of stale) target.fill(0, id * width, (id + 1) * width)
  else target.fill(0)
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!
    if (id < 0) throw negativeId(id)
    const start = id * width
    const source = index * width
    for (let column = 0; column < width; column++) {
      target[start + column] = target[start + column]! + rows[source + column]!
    }
  }
}

const negativeId = (id: number) =>
  new EngineError({
    function: 'run',
    argument: 'ids of an embedding',
    expected: 'at least 0',
    received: String(id),
    remedy: 'Replace padding ids such as -100 by a row of the table before the lookup.',
  })
