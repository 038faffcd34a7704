import { readFile } from 'node:fs/promises'
import { env, pipeline } from '@huggingface/transformers'
import { temporaryFolder } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { quick, refusalText, tinyBase, toyRows } from './support'

env.allowRemoteModels = false

const folder = temporaryFolder()
const rows = toyRows(400)
const held = toyRows(20, 2)
const training = tinyBase('t5').then((base) => transfer(base, rows, quick))

describe('a summarizer', () => {
  it('learns to summarize, and says how well beside the beginnings', async () => {
    const model = await training
    expect(model.notes).toEqual(["Columns by their names: 'document', 'summary'."])
    expect(model.training!.history.at(-1)!.loss).toBeLessThan(0.5)
    const { baselines, summaries, ...rouge } = await model.evaluate(held)
    expect(rouge.rouge1).toBeGreaterThan(0.8)
    expect(rouge.rougeL).toBeGreaterThan(baselines.leadWords.rougeL)
    expect(rouge.rougeLsum).toBeGreaterThan(baselines.leadSentences.rougeLsum)
    expect(summaries).toHaveLength(20)
    const [{ document }] = held as [(typeof held)[number]]
    expect(await model.summarize(document)).toEqual(summaries[0])
    expect(summaries[0]).toMatchObject({ parts: 1, passes: 1, truncated: false })
    expect(await model.summarize(held.map((row) => row.document))).toEqual(summaries)
  }, 120_000)

  it('summarizes by adapters beside it', async () => {
    const model = await training
    await model.save(folder('base'), { onnx: [] })
    const turned = rows.map(({ document, summary }) => ({
      document,
      summary: summary.split(' ').reverse().join(' '),
    }))
    const options = { ...quick, epochs: 10, learningRate: 2e-2, adapter: 'lora' } as const
    const tuned = await transfer(folder('base'), turned, options)
    await tuned.saveAdapter(folder('turned'))
    const switched = await load(folder('base'), { adapters: { turned: folder('turned') } })
    const texts = held.map(({ document }) => document)
    expect(await switched.summarize(texts, { adapter: 'turned' })).toEqual(await tuned.summarize(texts))
    expect(await switched.summarize(texts)).toEqual(await model.summarize(texts))
    const { rouge2 } = await tuned.evaluate(turned.slice(0, 20))
    expect(await switched.evaluate(turned.slice(0, 20), { adapter: 'turned' })).toMatchObject({ rouge2 })
    await Promise.all([tuned, switched].map((each) => each.dispose()))
  }, 60_000)

  it('is measured by what it writes as it learns, where that is asked for', async () => {
    const base = await tinyBase('t5')
    const options = { ...quick, epochs: 1, validation: held, evaluateWriting: 8, bestMetric: 'rougeL' }
    const model = await transfer(base, rows, options)
    const { metrics } = model.training!.evaluations[0]!
    expect(Object.keys(metrics)).toEqual(['loss', 'perplexity', 'rouge1', 'rouge2', 'rougeL', 'rougeLsum'])
    const { rougeL } = await model.evaluate(held.slice(0, 8))
    expect(metrics.rougeL).toBeCloseTo(rougeL, 9)
    await model.dispose()
  }, 60_000)

  it('is saved for Transformers.js, which writes the same, and loaded again', async () => {
    const model = await training
    const directory = folder('toy')
    await model.save(directory, { onnx: ['float32'] })
    const config = JSON.parse(await readFile(`${directory}/config.json`, 'utf8')) as object
    expect(config).toMatchObject({ task_specific_params: { summarization: { prefix: 'summarize: ' } } })
    const texts = held.map(({ document }) => document)
    // Others know no beams there.
    const own = await model.summarize(texts, { numBeams: 1 })
    const theirs = await pipeline('summarization', directory, { dtype: 'fp32' })
    const written = (await theirs(texts, { num_beams: 1 })) as { summary_text: string }[]
    expect(written.map((answer) => answer.summary_text.trim())).toEqual(own.map(({ text }) => text))
    await theirs.dispose()
    // In a thread of its own, where the model is used as any other.
    const loaded = await load(directory, { thread: true })
    expect(loaded.generation).toMatchObject({ numBeams: 4, noRepeatNgramSize: 3, maxNewTokens: 64 })
    expect(await loaded.summarize(texts)).toEqual(await model.summarize(texts))
    const streamed: unknown[] = []
    for await (const summary of loaded.predictStream(texts, { batchSize: 8 })) streamed.push(summary)
    const failing = loaded.predictStream([texts[0]!, ''], { batchSize: 1 })
    await failing.next()
    await expect(failing.next()).rejects.toThrow("'texts[1]' must be a text, but got a blank one")
    expect(streamed).toEqual(await model.summarize(texts))
    await loaded.dispose()
  }, 60_000)

  it('keeps to the lengths that it is told', async () => {
    const model = await training
    const [{ document }] = held as [(typeof held)[number]]
    const lengthOf = async (options: object) => {
      const { text } = await model.summarize(document, options)
      return text.split(' ').length
    }
    expect(await lengthOf({ maxLength: 1 })).toBe(1)
    const free = { noRepeatNgramSize: 0, numBeams: 1 }
    expect(await lengthOf({ minLength: 12, maxLength: 14, ...free })).toBeGreaterThan(8)
    expect(await lengthOf({ style: 'detailed', ...free })).toBeGreaterThan(30)
    expect(await lengthOf({ style: 'short' })).toBeLessThan(24)
    expect(await lengthOf({ style: 'detailed', maxLength: 20, ...free })).toBeLessThanOrEqual(20)
  }, 60_000)

  it('repeats itself less than it would', async () => {
    const model = await training
    const [{ document }] = held as [(typeof held)[number]]
    const variety = async (options: object) => {
      const { text } = await model.summarize(document, { minLength: 30, maxLength: 40, ...options })
      const words = text.split(' ')
      const triples = words.slice(2).map((word, index) => `${words[index]} ${words[index + 1]} ${word}`)
      return new Set(triples).size / triples.length
    }
    expect(await variety({ numBeams: 1 })).toBeGreaterThan(
      2 * (await variety({ numBeams: 1, noRepeatNgramSize: 0 })),
    )
  }, 60_000)
})

describe('long documents', () => {
  const sentence = 'the movie was good and it is bad .'
  const long = Array.from({ length: 40 }, () => sentence)
    .join(' ')
    .replaceAll(' . the', '. The')

  it('are read in parts, whose summaries are summarized', async () => {
    const model = await training
    const [short, summary] = await model.summarize([held[0]!.document, long])
    expect(short).toMatchObject({ parts: 1, passes: 1, truncated: false })
    expect(summary!.parts).toBeGreaterThan(4)
    expect(summary!.passes).toBeGreaterThan(1)
    expect(summary!.text).not.toBe('')
  }, 60_000)

  it('are cut or refused where that is asked for', async () => {
    const model = await training
    expect(await model.summarize(long, { longDocuments: 'beginning' })).toMatchObject({
      parts: 1,
      passes: 1,
      truncated: true,
    })
    expect(await model.summarize(sentence, { longDocuments: 'beginning' })).toMatchObject({
      truncated: false,
    })
    expect(await refusalText(model.summarize(['a', long], { longDocuments: 'error' }))).toBe(
      `ArgumentError: summarize: 'texts[1]' must be at most ${model.maxLength} tokens long, which is what the model reads at once, but got ${long.length} characters. ` +
        "Leave out longDocuments to have it read in parts, or pass 'beginning'.",
    )
  }, 60_000)

  it('of a million words are refused at once, or read as far as it is asked for', async () => {
    const model = await training
    const endless = 'It is good and bad. '.repeat(200_000)
    const started = performance.now()
    expect(await refusalText(model.summarize(endless))).toContain(
      `'text' must be a document of at most 64 parts of ${model.maxLength} tokens, which is what the model reads at once, but got one of 4000000 characters. Raise { maxParts }`,
    )
    expect((await model.summarize(endless, { longDocuments: 'beginning' })).truncated).toBe(true)
    expect(performance.now() - started).toBeLessThan(60_000)
  }, 120_000)
})

describe('bad input', () => {
  it.each([
    ['', "'text' must be a text, but got a blank one."],
    [' \n', "'text' must be a text, but got a blank one."],
    [7, "'text' must be a string, but got number."],
    [['a', null], "'texts[1]' must be a string, but got null."],
    [['a', 'a\u0007b'], "'texts[1]' must be text without control characters, but got U+0007 at 1."],
    ['a \ud800 b', "'text' must be well-formed Unicode, but got half of a surrogate pair at 2."],
  ])('%j is refused', async (text, message) => {
    const model = await training
    expect(await refusalText(model.summarize(text as string))).toContain(
      `ArgumentError: summarize: ${message}`,
    )
  })

  it('names what options it does not know', async () => {
    const model = await training
    expect(await refusalText(model.summarize('a', { style: 'long' as 'short' }))).toContain(
      "summarize: 'style' must be 'short', 'normal' or 'detailed', but got \"long\".",
    )
    expect(await refusalText(model.summarize('a', { maxParts: '9' as never }))).toContain(
      "'maxParts' must be a number of at least 1, but got 9",
    )
    const long = 'the movie was good . '.repeat(200)
    expect(await refusalText(model.summarize(long, { maxParts: 1.5 }))).toContain('at most 1.5 parts')
    expect(await refusalText(model.evaluate(toyRows(1), { tokenizer: 'greek' as never }))).toContain(
      "rouge: 'tokenizer' must be",
    )
    expect(await refusalText(model.summarize('a', null as never))).toContain("'options' must be an object")
    expect(await refusalText(model.evaluate(toyRows(1), { stemming: 'no' as never }))).toContain(
      "'stemming' must be true or false",
    )
    expect(await refusalText(model.summarize('a', { maxParts: NaN }))).toContain(
      "'maxParts' must be a number of at least 1, but got NaN",
    )
    expect(await refusalText(model.summarize('a', { longDocuments: 'cut' as 'error' }))).toContain(
      "summarize: 'longDocuments' must be 'parts', 'beginning' or 'error', but got \"cut\".",
    )
    expect(await refusalText(model.summarize('a', { minLength: 9, maxLength: 3 }))).toContain(
      "summarize: 'minLength' must be at most the 3 tokens that a summary may have, but got 9.",
    )
    const base = await tinyBase('t5')
    expect(await refusalText(transfer(base, rows, { ...quick, prefix: 7 as never }))).toContain(
      "transfer: 'prefix' must be a text, but got 7.",
    )
    const wordy = await tinyBase('t5', 12)
    const tight = await transfer(wordy, rows, { ...quick, truncation: true, maxSteps: 1 })
    expect(await refusalText(tight.summarize('a'))).toContain(
      "'maxLength' must be so long that 8 tokens fit beside the prefix, but got 12 tokens",
    )
    await tight.dispose()
  }, 60_000)

  it('in evaluation is references that are missing, or none', async () => {
    const model = await training
    expect(await refusalText(model.evaluate([{ document: 'a', summary: 'b' }, { document: 'a' }]))).toBe(
      "DataError: evaluate: 'rows' must be a document and its summary in every row, but got 1 without one of them (row 2). " +
        "Complete or delete them, or pass { incomplete: 'drop' } to leave them out.",
    )
    expect(
      await refusalText(model.evaluate([{ document: 'a', summary: '' }], { incomplete: 'drop' })),
    ).toContain(
      "DataError: evaluate: 'dataset' must be at least one document with its summary, but got none.",
    )
    expect(await refusalText(model.evaluate([{ document: 'a' }]))).toContain(
      "evaluate: 'summaryColumn' must be one of summary, target, highlights, tldr, abstract, headline, title, but got the columns 'document'.",
    )
  })
})
