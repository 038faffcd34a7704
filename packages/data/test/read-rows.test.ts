import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { AbortedError, ArgumentError, DataError } from '@tfx/common'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { readRows, type LocatedRow, type ReadOptions, type Row, type RowSource } from '../src/index'

const directory = mkdtempSync(join(tmpdir(), 'tfx-data-'))
afterAll(() => rmSync(directory, { recursive: true }))

let files = 0
function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, `${files++}-${name}`)
  writeFileSync(path, content)
  return path
}

async function all(source: RowSource, options?: ReadOptions): Promise<Row[]> {
  const rows: Row[] = []
  for await (const row of readRows(source, options)) rows.push(row)
  return rows
}

async function located(source: RowSource, options?: ReadOptions): Promise<LocatedRow[]> {
  const rows: LocatedRow[] = []
  for await (const row of readRows(source, options).located()) rows.push(row)
  return rows
}

const two = [
  { text: 'Fine', label: 'positive' },
  { text: 'Bad', label: 'negative' },
]

describe('readRows', () => {
  const csv = 'text,label\nFine,positive\nBad,negative\n'
  const jsonLines = two.map((row) => JSON.stringify(row)).join('\n')
  it.each<[string, () => RowSource, ReadOptions?]>([
    ['array', () => two],
    ['iterable', () => new Set(two)],
    [
      'async iterable',
      async function* () {
        yield* two
      },
    ],
    ['Rows', () => readRows(two)],
    ['csv', () => file('a.csv', csv)],
    ['URL', () => pathToFileURL(file('a.csv', csv))],
    ['URL as a string', () => pathToFileURL(file('a.csv', csv)).href],
    ['csv, byte order mark', () => file('a.csv', `\uFEFF${csv}`)],
    ['csv, Windows line ends, blank lines', () => file('a.CSV', `${csv.replaceAll('\n', '\r\n')}\r\n\r\n`)],
    ['csv, no last newline', () => file('a.csv', csv.trim())],
    ['csv, a header from another system', () => file('a.csv', csv.replace('\n', '\r\n'))],
    ['csv, a last line from another system', () => file('a.csv', csv.replace(/\n$/, '\r\n'))],
    ['csv, carriage returns only', () => file('a.csv', csv.replaceAll('\n', '\r'))],
    ['csv.gz', () => file('a.csv.gz', gzipSync(csv))],
    ['csv.gz in capitals', () => file('A.CSV.GZ', gzipSync(csv))],
    ['csv under another name', () => file('a.txt', csv), { format: 'csv' }],
    ['tsv', () => file('a.tsv', csv.replaceAll(',', '\t'))],
    [
      'tsv without header',
      () => file('a.tsv', 'Fine\tpositive\nBad\tnegative'),
      { columns: ['text', 'label'] },
    ],
    ['jsonl', () => file('a.jsonl', jsonLines)],
    [
      'jsonl, blank lines, Windows',
      () => file('a.jsonl', `\uFEFF${jsonLines.replace('\n', '\r\n\r\n')}\r\n`),
    ],
    ['ndjson.gz', () => file('a.ndjson.gz', gzipSync(jsonLines))],
    ['json', () => file('a.json', JSON.stringify(two))],
    ['json.gz', () => file('a.json.gz', gzipSync(JSON.stringify(two)))],
  ])('reads %s', async (_, source, options) => {
    expect((await all(source(), options)).map((row) => ({ ...row }))).toEqual(two)
  })

  it('reads quoted delimiters, quotes and newlines of CSV, and tells the line on which a row ends', async () => {
    const path = file('a.csv', 'text,label\n"one, ""two""\nthree",1\n\nfour,0\n')
    expect(await located(path)).toEqual([
      { row: { text: 'one, "two"\nthree', label: '1' }, location: 'line 3' },
      { row: { text: 'four', label: '0' }, location: 'line 5' },
    ])
  })

  it('keeps carriage returns inside fields, whatever ends the lines', async () => {
    const rows = [{ text: 'one\rtwo', label: 'a\r\nb' }]
    expect(await all(file('a.csv', 'text,label\none\rtwo,"a\r\nb"\n'))).toEqual(rows)
    expect(await all(file('a.csv', '"one\rtwo","a\r\nb"\n'), { columns: ['text', 'label'] })).toEqual(rows)
  })

  it('takes quotes in TSV as they are, unless told otherwise', async () => {
    const path = file('a.tsv', 'text\tlabel\n"a" film\t1\n"quoted"\t0\n')
    expect((await all(path)).map(({ text }) => text)).toEqual(['"a" film', '"quoted"'])
    const quoted = file('b.tsv', 'text\tlabel\n"a\tb"\t1\n')
    expect(await all(quoted, { quoted: true })).toEqual([{ text: 'a\tb', label: '1' }])
  })

  it('does not break JSON lines at U+2028', async () => {
    expect(await all(file('a.jsonl', '{"text":"a\u2028b"}\n'))).toEqual([{ text: 'a\u2028b' }])
  })

  it('keeps characters whose bytes fall into two chunks', async () => {
    const text = 'x' + 'é€😀'.repeat(30_000)
    expect(await all(file('a.jsonl', JSON.stringify({ text })))).toEqual([{ text }])
    expect(await all(file('a.csv', `text\n${text}\n`))).toEqual([{ text }])
  })

  it('reads back any text from CSV and JSON lines', async () => {
    const texts = fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(texts, async (texts) => {
        const rows = texts.map((text) => ({ text, label: '1' }))
        const quoted = texts.map((text) => `"${text.replaceAll('"', '""')}",1\n`).join('')
        expect((await all(file('a.csv', `text,label\n${quoted}`))).map((row) => ({ ...row }))).toEqual(rows)
        const lines = rows.map((row) => JSON.stringify(row)).join('\n')
        expect(await all(file('a.jsonl', lines))).toEqual(rows)
      }),
      { numRuns: 40 },
    )
  })

  it('can be iterated over again, and stopped early', async () => {
    const rows = readRows(file('a.csv', csv))
    for await (const row of rows) {
      expect(row).toEqual(two[0])
      break
    }
    const again = []
    for await (const row of rows) again.push(row)
    expect(again).toHaveLength(2)
  })

  it('stops at its signal', async () => {
    const controller = new AbortController()
    const seen: Row[] = []
    const reading = async () => {
      for await (const row of readRows(two, { signal: controller.signal })) {
        seen.push(row)
        controller.abort()
      }
    }
    await expect(reading()).rejects.toThrow(AbortedError)
    expect(seen).toHaveLength(1)
  })
})

describe('malformed files', () => {
  it.each<[string, string, string | Uint8Array, string, ReadOptions?]>([
    [
      'too many fields',
      'a.csv',
      'text,label\nGood, really,1\n',
      "line 2' must be as many fields as the header, but got 3. Correct that line. Enclose text that contains the delimiter in double quotes.",
    ],
    [
      'too few fields',
      'a.csv',
      'text,label\nGood,1\nBad\n',
      "line 3' must be as many fields as the header, but got 1.",
    ],
    [
      'fields unlike columns',
      'a.tsv',
      '1\tGood\textra\n',
      "line 1' must be as many fields as columns, but got 3. Correct that line.",
      { columns: ['label', 'text'] },
    ],
    [
      'open quote',
      'a.csv',
      'text,label\nGood,1\n"Bad,0\nUgly,0\n',
      "line 3' must be closed quotes, but got a row with a quote that is never closed. Close it, or pass { quoted: false } if quotes are plain characters in this file.",
    ],
    [
      'text after a quote',
      'a.csv',
      'text,label\n"Good" film,1\n',
      "line 2' must be well-formed, but got Invalid Closing Quote",
    ],
    [
      'quote in a plain field',
      'a.csv',
      'text,label\nA "good" film,1\n',
      "line 2' must be well-formed, but got Invalid Opening Quote",
    ],
    [
      'repeated column',
      'a.csv',
      'text,text\nGood,1\n',
      "line 1' must be a header that names each column once, but got 'text' twice.",
    ],
    [
      'Latin-1',
      'a.csv',
      Buffer.from('text,label\nCaf\xe9,1\n', 'latin1'),
      'must be a UTF-8 file that can be read, but got in another encoding. Save it as UTF-8; spreadsheets call that "CSV UTF-8".',
    ],
    ['UTF-16', 'a.csv', Buffer.from('\uFEFFtext,label\nFine,1\n', 'utf16le'), 'but got in another encoding'],
    ['cut character', 'a.jsonl', Buffer.from('{"text":"é').subarray(0, -1), 'but got in another encoding'],
    ['no gzip', 'a.csv.gz', 'text,label\n', 'but got not a gzip file. Remove .gz from its name'],
    [
      'truncated gzip',
      'a.csv.gz',
      gzipSync('text,label\nGood,1\n').subarray(0, -10),
      'but got a truncated gzip file. Download it again.',
    ],
    ['empty csv', 'a.csv', '', "a.csv' must be at least one row, but got empty."],
    [
      'only a header',
      'a.csv',
      'text,label\n',
      'must be at least one row, but got empty. Pass rows with a text and a label; a first line that only names columns is no row.',
    ],
    ['empty jsonl', 'a.jsonl', '\n\n', 'must be at least one row, but got empty'],
    ['empty json array', 'a.json', '[]', 'must be at least one row, but got empty'],
    ['empty json', 'a.json', '', 'must be one JSON array of objects, but got an empty file.'],
    ['bad JSON line', 'a.jsonl', '{"text":"Good"}\n{"text":\n', "line 2' must be one JSON object, but got"],
    [
      'JSON line of an array',
      'a.jsonl',
      '["Good", 1]\n',
      "line 1' must be an object such as { text: 'Fine', label: 'positive' }, but got an array.",
    ],
    [
      'JSON lines named .json',
      'a.json',
      '{"a":1}\n{"a":2}\n',
      "Pass { format: 'jsonl' }".replace('Pass', 'If each line holds an object, pass'),
    ],
    ['JSON object', 'a.json', '{"data":[]}', 'must be one JSON array of objects, but got of type object.'],
    [
      'null in a JSON array',
      'a.json',
      '[{"a":1},null]',
      "row 2' must be an object such as { text: 'Fine', label: 'positive' }, but got null.",
    ],
  ])('%s', async (_, name, content, text, options) => {
    const path = file(name, content)
    const error = await all(path, options).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(DataError)
    expect((error as DataError).message).toContain(text)
    expect((error as DataError).argument).toContain(name)
    expect((error as DataError).remedy).toBeTruthy()
  })

  it('an open quote does not swallow a large file', async () => {
    const path = file('a.csv', `text,label\n"open,1\n${'x'.repeat(99).concat('\n').repeat(200_000)}`)
    await expect(all(path)).rejects.toThrow("line 2' must be closed quotes")
  })
})

describe('mistakes', () => {
  it.each<[string, RowSource, string]>([
    [
      'missing file',
      'no-such.csv',
      "readRows: 'no-such.csv' must be a UTF-8 file that can be read, but got no such file. Check the path; a relative one starts at the working directory.",
    ],
    ['no rows', [], "readRows: 'rows' must be at least one row, but got empty."],
    ['a row that is a string', ['Fine'] as unknown as Row[], "readRows: 'row 1' must be an object"],
  ])('%s', async (_, source, text) => {
    await expect((async () => all(source))()).rejects.toThrow(text)
  })

  it.each<[string, () => unknown, string]>([
    [
      'extension',
      () => readRows('reviews.xlsx'),
      "'source' must be a .csv, .tsv, .jsonl, .ndjson or .json file (or .gz of it), but got 'reviews.xlsx'.",
    ],
    [
      'format',
      () => readRows('a.csv', { format: 'xml' as 'csv' }),
      "'format' must be csv, tsv, jsonl or json, but got 'xml'.",
    ],
    [
      'columns in a string',
      () => readRows('a.csv', { columns: 'text,label' as unknown as string[] }),
      "'columns' must be a list of different names, but got string. Name the columns of the file in order",
    ],
    ['a column twice', () => readRows('a.csv', { columns: ['a', 'a'] }), 'but got one of them twice'],
    [
      'web address',
      () => readRows('https://localhost/a.csv'),
      "must be a path or a file: URL, but got 'https://localhost/a.csv'. Download the file first",
    ],
    [
      'number',
      () => readRows(5 as unknown as string),
      "'source' must be an array or iterable of objects, or the path of a file, but got of type number.",
    ],
    ['one object', () => readRows({ text: 'Fine' } as unknown as Row[]), 'but got of type object'],
    ['null', () => readRows(null as unknown as Row[]), 'but got null'],
  ])('%s', (_, call, text) => {
    expect(call).toThrow(ArgumentError)
    expect(call).toThrow(text)
  })
})
