import { AbortedError, ArgumentError, CheckpointError } from '@tfx/common'
import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  formatGenerationConfig,
  generate,
  type GeneratedSequence,
  type GenerateOptions,
  type GenerationConfig,
  parseGenerationConfig,
  streamText,
  streamTokens,
} from '../src/index'
import { configText } from '../src/config/config-text'
import { historyOf } from '../src/generation/history'
import { buildProcessors } from '../src/generation/processors/build'
import { generationDefaults } from '../src/generation/generation-config'
import { generationCases as reference, tableModel } from './table-model'

const model = () => tableModel(reference)
/** The first sequence of the first prompt. */
const first = (results: GeneratedSequence[][]) => results[0]![0]!
const options = { eosTokenIds: [2], padTokenId: 0, maxNewTokens: 10 }

describe('generate', () => {
  it.each(
    reference.cases.map(
      ({ settings, ...expected }) => [JSON.stringify(settings), settings, expected] as const,
    ),
  )('writes what transformers writes: %s', async (_, settings, expected) => {
    const config = parseGenerationConfig(settings)
    const results = await generate(model(), reference.prompts, config)
    const ends = config.eosTokenIds!
    // transformers fills rows up behind their end.
    const untilEnd = (row: number[]) => {
      const end = row.findIndex((token) => ends.includes(token))
      return end < 0 ? row : row.slice(0, end + 1)
    }
    expect(results.flat().map(({ tokens }) => tokens)).toEqual(expected.tokens.map(untilEnd))
    if (expected.scores) {
      const scores = results.flat().map(({ score }) => score!)
      expect(scores).toBeAllClose(expected.scores, { absolute: 1e-5, relative: 1e-5 })
    }
  })

  it('computes contrastive search as its definition says', async () => {
    const { last, before } = reference
    const [alpha, topK] = [0.6, 4]
    const cosine = (a: number[], b: number[]) => {
      const dot = (x: number[], y: number[]) => x.reduce((sum, value, index) => sum + value * y[index]!, 0)
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
    }
    for (const prompt of reference.prompts) {
      const ids = [...prompt]
      for (let step = 0; step < 8; step++) {
        const logits = last[ids.at(-1)!]!.map((value, id) => value + before[ids.at(-2) ?? 0]![id]!)
        const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
        const ranked = logits.map((logit, id) => ({ id, probability: Math.exp(logit) / total }))
        const candidates = ranked.sort((a, b) => b.probability - a.probability).slice(0, topK)
        const valued = candidates.map(({ id, probability }) => {
          const closest = Math.max(...ids.map((other) => cosine(last[id]!, last[other]!)))
          return { id, value: (1 - alpha) * probability - alpha * closest }
        })
        ids.push(valued.reduce((best, other) => (other.value > best.value ? other : best)).id)
      }
      const result = first(
        await generate(model(), [prompt], {
          penaltyAlpha: alpha,
          topK,
          maxNewTokens: 8,
        }),
      )
      expect(result.tokens).toEqual(ids.slice(prompt.length))
    }
  })

  it('keeps groups of beams apart', async () => {
    const settings = { ...options, numBeams: 4, numReturnSequences: 4 }
    const plain = await generate(model(), reference.prompts, { ...settings, numBeamGroups: 2 })
    const diverse = await generate(model(), reference.prompts, {
      ...settings,
      numBeamGroups: 2,
      diversityPenalty: 5,
    })
    const firsts = (results: typeof plain) =>
      results.map((found) => new Set(found.map(({ tokens }) => tokens[0])).size)
    // Without a penalty both groups find the same.
    for (const found of plain) {
      expect(found[0]!.tokens).toEqual(found[1]!.tokens)
      const alone = await generate(model(), [reference.prompts[plain.indexOf(found)]!], {
        ...options,
        numBeams: 2,
      })
      expect(found[0]!.tokens).toEqual(alone[0]![0]!.tokens)
    }
    const more = firsts(diverse).map((count, index) => count - firsts(plain)[index]!)
    expect(Math.max(...more)).toBeGreaterThan(0)
    expect(Math.min(...more)).toBeGreaterThanOrEqual(0)
  })

  it('draws tokens as often as their probabilities say', async () => {
    const prompt = reference.prompts[0]!
    const draws = 4000
    const settings: [string, Partial<GenerationConfig>][] = [
      ['temperature', { temperature: 1.8, topK: 0 }],
      ['topK', { topK: 3, temperature: 2 }],
      ['topP', { topP: 0.9, topK: 0, temperature: 2.5 }],
      ['minP', { minP: 0.2, topK: 0, temperature: 2.5 }],
      ['typicalP', { typicalP: 0.8, topK: 0, temperature: 2.5 }],
    ]
    for (const [name, given] of settings) {
      const expected = distribution(prompt, given)
      const results = await generate(model(), [prompt], {
        ...given,
        doSample: true,
        maxNewTokens: 1,
        numReturnSequences: draws,
        seed: 7,
      })
      const counts = new Map<number, number>()
      for (const { tokens } of results[0]!) counts.set(tokens[0]!, (counts.get(tokens[0]!) ?? 0) + 1)
      let chiSquare = 0
      let degrees = -1
      expected.forEach((probability, token) => {
        if (probability === 0) expect(counts.has(token), `${name}: ${token}`).toBe(false)
        if (probability * draws < 5) return
        degrees++
        chiSquare += ((counts.get(token) ?? 0) - probability * draws) ** 2 / (probability * draws)
      })
      expect(degrees, name).toBeGreaterThan(0)
      // Wilson and Hilferty's approximation of the quantile at 0.001.
      const spread = 2 / (9 * degrees)
      expect(chiSquare, name).toBeLessThan(degrees * (1 - spread + 3.09 * Math.sqrt(spread)) ** 3)
    }
  })

  it('draws the same from the same seed, whatever else is in the batch', async () => {
    const settings = { ...options, doSample: true, temperature: 3, topK: 0 }
    const together = await generate(model(), reference.prompts, { ...settings, seed: 5 })
    const again = await generate(model(), reference.prompts, { ...settings, seed: 5 })
    expect(again).toEqual(together)
    expect(await generate(model(), reference.prompts, { ...settings, seed: 6 })).not.toEqual(together)
    const alone = await generate(model(), [reference.prompts[0]!], { ...settings, seed: 5 })
    expect(alone[0]).toEqual(together[0])
  })

  it('samples beams: as many different ones as asked for, from the seed', async () => {
    const settings = { ...options, doSample: true, numBeams: 3, numReturnSequences: 3, temperature: 2 }
    const drawn = await generate(model(), reference.prompts, { ...settings, seed: 1 })
    expect(await generate(model(), reference.prompts, { ...settings, seed: 1 })).toEqual(drawn)
    expect(await generate(model(), reference.prompts, { ...settings, seed: 2 })).not.toEqual(drawn)
    for (const found of drawn) {
      const scores = found.map(({ score }) => score!)
      expect(scores).toEqual([...scores].sort((a, b) => b - a))
      expect(new Set(found.map(({ tokens }) => tokens.join())).size).toBe(3)
    }
  })

  it('stops at a text, also inside of a token', async () => {
    const decode = (tokens: number[]) => tokens.map((token) => `<${token}>`).join('')
    const plain = first(await generate(model(), [[5, 7, 3]], options))
    const third = `${plain.tokens[1]}><${plain.tokens[2]}`
    const stopped = first(await generate(model(), [[5, 7, 3]], { ...options, stopStrings: third, decode }))
    expect(stopped).toEqual({ tokens: plain.tokens.slice(0, 3), finish: 'stop-string' })
  })

  it('applies processors of the user', async () => {
    const only = (scores: Float32Array) => void scores.fill(-Infinity).fill(0, 11, 12)
    const result = first(await generate(model(), [[5]], { maxNewTokens: 3, logitsProcessors: [only] }))
    expect(result.tokens).toEqual([11, 11, 11])
  })

  it('frees its session, also when it is aborted or fails', async () => {
    const running = model()
    await generate(running, reference.prompts, options)
    expect(running.log.disposed).toBe(1)
    const controller = new AbortController()
    const onToken = () => {
      controller.abort()
    }
    await expect(
      generate(running, reference.prompts, { ...options, signal: controller.signal, onToken }),
    ).rejects.toThrow(AbortedError)
    const failing = () => {
      throw new Error('no')
    }
    await expect(generate(running, [[5]], { ...options, logitsProcessors: [failing] })).rejects.toThrow('no')
    expect(running.log.disposed).toBe(3)
    await expect(generate(running, [[5]], { ...options, signal: controller.signal })).rejects.toThrow(
      AbortedError,
    )
    expect(running.log.disposed).toBe(3)
  })

  const contradictions: [Partial<GenerateOptions>, string][] = [
    [{ maxNewTokens: 0 }, "'maxNewTokens' must be a whole number of at least 1, but got 0"],
    [
      { maxNewTokens: undefined, maxLength: 3 },
      "'maxLength' must be more than the 3 tokens of the longest prompt",
    ],
    [
      { maxNewTokens: 100 },
      "'maxNewTokens' must be a sequence of at most the model's 40 positions, but got 103",
    ],
    [{ minLength: 50 }, "'minLength' must be at most the largest length of 13, but got 50"],
    [{ minNewTokens: 11 }, "'minNewTokens' must be at most the 10 tokens that may be written, but got 11"],
    [
      { forcedEosTokenId: [2, 3], suppressTokens: [3, 4, 2] },
      "'forcedEosTokenId' must be a token that 'suppressTokens' leaves, but got 2, 3",
    ],
    [
      { forcedBosTokenId: 4, suppressTokens: [4] },
      "'forcedBosTokenId' must be a token that 'suppressTokens' leaves, but got 4",
    ],
    [{ numBeams: 4, numBeamGroups: 3 }, "'numBeamGroups' must be a divisor of the 4 beams, but got 3"],
    [{ diversityPenalty: 1 }, "'diversityPenalty' must be 0 without groups of beams"],
    [{ penaltyAlpha: 0.5, numBeams: 2 }, "'penaltyAlpha' must be absent with beams or sampling"],
    [{ penaltyAlpha: 0.5, topK: 1 }, "'topK' must be at least 2 with penaltyAlpha"],
    [
      { numReturnSequences: 2 },
      "'numReturnSequences' must be 1 unless there are beams or doSample, but got 2",
    ],
    [{ numBeams: 2, numReturnSequences: 3 }, "'numReturnSequences' must be at most the 2 beams, but got 3"],
    [
      { num_beams: 2 },
      "'options' must be made of settings, such as 'numBeams', that there are, but got 'num_beams'",
    ],
    [{ foo: 2 } as object, "'options' must be made of settings that there are, but got 'foo'"],
    [{ temperature: 0 }, "'temperature' must be a number above 0, but got 0"],
    [{ topP: 1.2 }, "'topP' must be a number of at least 0 and at most 1, but got 1.2"],
    [{ numBeams: 1.5 }, "'numBeams' must be a whole number of at least 1, but got 1.5"],
    [{ eosTokenIds: [13] }, "'eosTokenIds' must be token ids from 0 to 12, but got 13"],
    [{ badWordsIds: [[4, -1]] }, "'badWordsIds' must be token ids from 0 to 12, but got -1"],
    [{ forceWordsIds: [[3]] }, "'numBeams' must be above 1 with forceWordsIds, but got 1"],
    [{ forceWordsIds: [[3]], numBeams: 2, doSample: true }, "'doSample' must be false with forceWordsIds"],
    [
      { forceWordsIds: [[3], []], numBeams: 2 },
      "'forceWordsIds[1]' must be at least one token, but got none",
    ],
    [{ forceWordsIds: [[13]], numBeams: 2 }, "'forceWordsIds' must be token ids from 0 to 12, but got 13"],
    [
      { forceWordsIds: [[3, 2]], numBeams: 2, eosTokenIds: [2] },
      "'forceWordsIds[0]' must be tokens that do not end a sequence, but got 2",
    ],
    [
      {
        forceWordsIds: [
          [
            [3, 4],
            [3, 4, 5],
          ],
        ],
        numBeams: 2,
      },
      "'forceWordsIds[0]' must be ways to write it of which none begins another, but got 3,4,5",
    ],
    [{ earlyStopping: 'yes' as never }, "'earlyStopping' must be true, false or 'never', but got \"yes\""],
    [{ doSample: 'no' as never }, "'doSample' must be true or false"],
    [{ eosTokenIds: 2 as never }, "'eosTokenIds' must be a list of token ids, but got 2"],
    [{ badWordsIds: [5] as never }, "'badWordsIds' must be lists of token ids, none of them empty"],
    [{ badWordsIds: [[5], []] }, "'badWordsIds' must be lists of token ids, none of them empty"],
    [{ forceWordsIds: [5] as never }, "'forceWordsIds' must be lists of token ids"],
    [{ sequenceBias: [[[5], 1]] as never }, "'sequenceBias' must be a list of { tokens, bias }"],
    [{ sequenceBias: [{ tokens: [5], bias: NaN }] }, "'sequenceBias' must be a list of { tokens, bias }"],
    [{ sequenceBias: [{ tokens: [], bias: 1 }] }, "'sequenceBias' must be a list of { tokens, bias }"],
    [
      { exponentialDecayLengthPenalty: [1, 2] as never },
      "'exponentialDecayLengthPenalty' must be { start, factor }, but got [1,2]",
    ],
    [{ stopStrings: ['a', ''] }, "'stopStrings' must be texts, none of them empty"],
    [{ seed: NaN }, "'seed' must be a number, but got NaN"],
    [{ stopStrings: ['a'] }, "'stopStrings' must be given together with 'decode', but got no decode"],
  ]
  it.each(contradictions)('refuses %j', async (given, message) => {
    const call = generate(model(), [[5, 7, 3]], { ...options, ...given })
    await expect(call).rejects.toThrow(ArgumentError)
    await expect(call).rejects.toThrow(message)
  })

  it('writes 20 tokens where nothing is said, or as many as the positions have room for', async () => {
    const written = first(await generate(model(), [Array<number>(30).fill(5)], { eosTokenIds: [] }))
    expect(written).toMatchObject({ finish: 'length', tokens: { length: 10 } })
    await expect(generate(model(), [Array<number>(40).fill(5)])).rejects.toThrow(
      "'prompts' must be shorter than the model's 40 positions, but got 40 tokens",
    )
  })

  it('refuses prompts that are none', async () => {
    await expect(generate(model(), [], options)).rejects.toThrow(
      "'prompts' must be at least one, but got none",
    )
    await expect(generate(model(), [[5], []], options)).rejects.toThrow(
      "'prompts[1]' must be at least one token",
    )
    await expect(generate(model(), [[5, 13]], options)).rejects.toThrow(
      "'prompts[0]' must be token ids from 0 to 12, but got 13",
    )
    const holes = [5, undefined, 6] as never
    await expect(generate(model(), [holes], options)).rejects.toThrow('from 0 to 12, but got undefined')
    await expect(generate(model(), 'hello' as never)).rejects.toThrow('a list of lists of token ids')
    await expect(generate(model(), [5] as never)).rejects.toThrow("'prompts[0]' must be a list of token ids")
  })

  it('refuses prompts that an encoder cannot read', async () => {
    const encoder = { ...model(), isEncoderDecoder: true, encoderVocabSize: 20, encoderPositions: 4 }
    const call = (prompt: number[]) => generate(encoder, [prompt], { decoderStartTokenId: 0 })
    await expect(call([20])).rejects.toThrow("'prompts[0]' must be token ids from 0 to 19, but got 20")
    await expect(call([1, 2, 3, 4, 5])).rejects.toThrow(
      "'prompts[0]' must be at most as long as the encoder's 4 positions, but got 5 tokens",
    )
    const { encoderVocabSize: _, ...unknown } = encoder
    await expect(generate(unknown, [[2 ** 31]], { decoderStartTokenId: 0 })).rejects.toThrow('2147483648')
  })
})

/** The distribution that Hugging Face's processors (checked below) give for the token after a prompt. */
function distribution(prompt: number[], given: Partial<GenerationConfig>): number[] {
  const { last, before } = reference
  const scores = Float32Array.from(last[prompt.at(-1)!]!, (value, id) => value + before[prompt.at(-2)!]![id]!)
  const config = { ...generationDefaults, ...given, doSample: true }
  const context = { promptLength: prompt.length, maxLength: 20, inputs: [] }
  for (const process of buildProcessors(config, context)) process(scores, historyOf(prompt))
  const total = scores.reduce((sum, score) => sum + Math.exp(score), 0)
  return Array.from(scores, (score) => Math.exp(score) / total)
}

describe('logits processors', () => {
  const fixture = loadFixture<{
    scores: number[][]
    ids: number[][]
    padding: number[]
    encoder: number[][]
    results: Record<string, (number | null)[][]>
  }>('core/generation/processors')
  const sampling = { doSample: true, topK: 0 }
  const settings: Record<string, Partial<GenerationConfig>> = {
    temperature: { ...sampling, temperature: 0.7 },
    topK: { ...sampling, topK: 4 },
    topP: { ...sampling, topP: 0.8 },
    'topP one': { ...sampling, topP: 0.01 },
    minP: { ...sampling, minP: 0.1 },
    typicalP: { ...sampling, typicalP: 0.6 },
    epsilonCutoff: { ...sampling, epsilonCutoff: 0.05 },
    etaCutoff: { ...sampling, etaCutoff: 0.1 },
    repetitionPenalty: { repetitionPenalty: 1.5 },
    encoderRepetitionPenalty: { encoderRepetitionPenalty: 1.5 },
    noRepeatNgram: { noRepeatNgramSize: 2 },
    'noRepeatNgram 3': { noRepeatNgramSize: 3 },
    encoderNoRepeatNgram: { encoderNoRepeatNgramSize: 2 },
    badWords: { badWordsIds: [[3], [7, 3, 6], [9, 9, 4]] },
    minLength: { minLength: 9 },
    suppressTokens: { suppressTokens: [1, 2, 12] },
    renormalizeLogits: { renormalizeLogits: true },
    exponentialDecay: { exponentialDecayLengthPenalty: { start: 1, factor: 1.5 } },
  }

  it.each(Object.keys(fixture.results))('equal those of transformers: %s', (name) => {
    const config = { ...generationDefaults, eosTokenIds: [2], ...settings[name] }
    const inputs = fixture.encoder.map((row) => Int32Array.from(row))
    const context = { promptLength: 3, maxLength: 20, inputs }
    const processors = buildProcessors(config, context)
    expect(processors).toHaveLength(1)
    fixture.ids.forEach((ids, prompt) => {
      const scores = Float32Array.from(fixture.scores[prompt]!)
      processors[0]!(scores, historyOf(ids, { prompt, padding: fixture.padding[prompt]! }))
      const expected = fixture.results[name]![prompt]!.map((value) => value ?? -Infinity)
      const finite = (values: ArrayLike<number>) => Array.from(values, (value) => Math.max(value, -1e9))
      expect(finite(scores)).toBeAllClose(finite(expected), { absolute: 1e-5, relative: 1e-5 })
    })
  })
})

describe('streaming', () => {
  it('gives the tokens of generate one by one, and stops computing when nobody reads', async () => {
    const running = model()
    const whole = first(await generate(running, [[5, 7, 3]], options))
    const tokens: number[] = []
    for await (const token of streamTokens(running, [5, 7, 3], options)) tokens.push(token)
    expect(tokens).toEqual(whole.tokens)
    const before = running.log.steps
    for await (const token of streamTokens(running, [5, 7, 3], options)) {
      expect(token).toBe(whole.tokens[0])
      break
    }
    expect(running.log.steps - before).toBe(0)
    expect(running.log.disposed).toBe(3)
  })

  it('gives text in pieces without cutting characters', async () => {
    const bytes = new TextEncoder().encode('añ😀')
    // Token n is the n-th byte of the text; whatever the model writes is shown as these bytes.
    const decode = (tokens: number[]) =>
      new TextDecoder().decode(Uint8Array.from(tokens, (_, index) => bytes[index % bytes.length]!))
    const pieces: string[] = []
    for await (const piece of streamText(model(), [5], { maxNewTokens: bytes.length, decode }))
      pieces.push(piece)
    expect(pieces).toEqual(['a', 'ñ', '😀'])
  })

  it('refuses methods that take tokens back', async () => {
    await expect(streamTokens(model(), [5], { numBeams: 2 }).next()).rejects.toThrow(
      "'numBeams' must be one sequence by greedy search or sampling while streaming",
    )
  })
})

describe('generation_config.json', () => {
  it('is read and written', () => {
    const json = {
      _from_model_config: true,
      bos_token_id: null,
      eos_token_id: 2,
      forced_eos_token_id: [2, 3],
      num_beams: 4,
      early_stopping: 'never',
      bad_words_ids: [[5, 6]],
      force_words_ids: [[7], [[8, 9], [10]]],
      stop_strings: 'END',
      sequence_bias: [[[4], -1]],
      exponential_decay_length_penalty: [3, 1.5],
      transformers_version: '5.0.0',
      guidance_scale: 1,
    }
    const config = parseGenerationConfig(json)
    expect(config).toEqual({
      eosTokenIds: [2],
      forcedEosTokenId: [2, 3],
      numBeams: 4,
      earlyStopping: 'never',
      badWordsIds: [[5, 6]],
      forceWordsIds: [[7], [[8, 9], [10]]],
      stopStrings: ['END'],
      sequenceBias: [{ tokens: [4], bias: -1 }],
      exponentialDecayLengthPenalty: { start: 3, factor: 1.5 },
    })
    expect(parseGenerationConfig(formatGenerationConfig(config))).toEqual(config)
    expect(formatGenerationConfig(config)).toMatchObject({ eos_token_id: 2, num_beams: 4 })
  })

  it('has a point in numbers that the processors of transformers refuse without', () => {
    const json = {
      temperature: 2,
      repetition_penalty: 3,
      top_k: 5,
      num_beams: 2,
      sequence_bias: [
        [[4, 5], -1],
        [[6], 0.5],
      ],
    }
    const text = configText(formatGenerationConfig(parseGenerationConfig(json)))
    expect(JSON.parse(text)).toMatchObject(json)
    for (const written of [
      '"temperature": 2.0,',
      '"repetition_penalty": 3.0,',
      '"top_k": 5',
      '\n      -1.0\n',
    ])
      expect(text).toContain(written)
    expect(text.match(/\d\.0/g)).toHaveLength(3)
  })

  it.each([
    [{ num_beams: '4' }, '\'num_beams\' must be a whole number, but got "4"'],
    [{ guidance_scale: 2 }, "'guidance_scale' must be absent: tfx does not compute it, but got 2"],
    [
      { force_words_ids: [3] },
      "'force_words_ids' must be lists of token ids, or lists of such lists, but got [3]",
    ],
    [{ constraints: [{}] }, "'constraints' must be absent"],
    [{ eos_token_id: 'x' }, "'eos_token_id' must be a list of token ids"],
    [{ exponential_decay_length_penalty: [1] }, 'must be a start and a factor'],
    [{ sequence_bias: [[4, 1]] }, 'must be pairs of tokens and a number'],
  ])('refuses %j', (json, message) => {
    expect(() => parseGenerationConfig(json)).toThrow(CheckpointError)
    expect(() => parseGenerationConfig(json)).toThrow(message)
  })
})
