import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AutoModelForSeq2SeqLM, env, Tensor } from '@huggingface/transformers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportSequenceToSequence, formatConfig, type OnnxPrecision, sequenceOnnxFiles } from '../src/index'
import { loadSequenceFixture } from './sequence-to-sequence-contract'

env.allowRemoteModels = false

const dtypes = { float32: 'fp32', float16: 'fp16', int8: 'q8', int4: 'q4' } as const

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfx-export-sequence-'))
  env.localModelPath = folder
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const int64 = (rows: readonly (readonly number[])[]) =>
  new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length])

/** Transformers.js 4.3 has no class for Pegasus; BART's runs its files, which have inputs and outputs of the same names. */
const borrowedClasses: Readonly<Record<string, object>> = { pegasus: { model_type: 'bart' } }

/** What Transformers.js writes with the exported files. */
async function written(name: string, precision: OnnxPrecision) {
  const { config, outputs, weights } = await loadSequenceFixture(name)
  const directory = join(folder, `${name}-${precision}`)
  const files = sequenceOnnxFiles[precision]
  const writers = await exportSequenceToSequence({
    config,
    read: (key) => Promise.resolve(weights.get(key)!.values),
  })
  await mkdir(join(directory, 'onnx'), { recursive: true })
  await writeFile(join(directory, 'onnx', files.encoder), writers.encoder(precision))
  await writeFile(join(directory, 'onnx', files.decoder), writers.decoder(precision))
  await writeFile(
    join(directory, 'config.json'),
    JSON.stringify({ ...formatConfig(config, 'sequence-to-sequence'), ...borrowedClasses[name] }),
  )
  const model = await AutoModelForSeq2SeqLM.from_pretrained(`${name}-${precision}`, {
    dtype: dtypes[precision],
  })
  const inputs = { input_ids: int64(outputs.inputIds), attention_mask: int64(outputs.attentionMask) }
  const start = { decoder_start_token_id: outputs.startToken, max_new_tokens: 9, do_sample: false }
  const forced = outputs.forcedEndToken === null ? {} : { forced_eos_token_id: outputs.forcedEndToken }
  const sequences = (await model.generate({ ...inputs, ...start, ...forced })) as Tensor
  await model.dispose()
  const end = config.eosTokenIds[0]!
  const until = (row: number[]) => (row.includes(end) ? row.slice(0, row.indexOf(end) + 1) : row)
  const rows = (sequences.tolist() as bigint[][]).map((row) => row.slice(1).map(Number))
  return { rows: rows.map(until), expected: outputs.greedy.map(until) }
}

describe.each(['t5', 't5-gated', 'mt5', 'bart', 'marian', 'mbart', 'm2m_100', 'pegasus'])('%s', (name) => {
  it('writes in Transformers.js what it writes in Python, token for token', async () => {
    const { rows, expected } = await written(name, 'float32')
    expect(rows).toEqual(expected)
  })

  it.each(['float16', 'int8', 'int4'] as const)('runs in Transformers.js as %s', async (precision) => {
    const { rows, expected } = await written(name, precision)
    expect(rows).toHaveLength(expected.length)
    // Random weights have no clear favourites: most first tokens agree, not all of them.
    if (precision === 'float16') expect(rows.map((row) => row[0])).toEqual(expected.map((row) => row[0]))
  })
})
