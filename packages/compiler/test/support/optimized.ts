import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'

/** Where a value stands in a model file: of a node's operator, or of an output's name. */
export type FindPositions = (field: 'operator' | 'output', value: string) => number[]

// A node's operator is field 4 of its record, its outputs are field 2.
const tags = { operator: '\x22', output: '\x12' }

/** What onnxruntime's optimizer makes of a model: its nodes stand in the order in which they run. */
export async function optimized(model: Uint8Array): Promise<FindPositions> {
  const directory = await mkdtemp(join(tmpdir(), 'tfx-optimized-'))
  try {
    const optimizedModelFilePath = join(directory, 'optimized.onnx')
    const session = await ort.InferenceSession.create(model, {
      graphOptimizationLevel: 'all',
      optimizedModelFilePath,
      logSeverityLevel: 4,
    })
    await session.release()
    const text = await readFile(optimizedModelFilePath, 'latin1')
    return (field, value) => {
      const pattern = tags[field] + String.fromCharCode(value.length) + value
      return [...text.matchAll(new RegExp(pattern, 'g'))].map(({ index }) => index)
    }
  } finally {
    await rm(directory, { recursive: true })
  }
}
