import { createOnnxEngine, type Engine } from '@tfx/backend'
import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  type CompiledStepModel,
  createDecoderSteps,
  createSequenceSteps,
  generate,
  type GenerateOptions,
  parseGenerationConfig,
} from '../src/index'
import { decoderShapes, loadDecoderFixture } from './decoder-contract'
import { loadSequenceFixture, sequenceShapes } from './sequence-to-sequence-contract'

/** What transformers 4.52 wrote: a case's rows are those of its first prompt, of its second, and so on. */
interface Case {
  settings: Record<string, unknown>
  tokens: number[][]
  scores: number[] | null
}

type Reference = Record<'llama' | 'gpt2' | 'bart', Case[]>
const groupsAndContrast = loadFixture<Reference>('core/generation/former-methods')
const forcedWords = loadFixture<Reference>('core/generation/forced-words')
const engine = createOnnxEngine()

/** A model with the prompts that the fixture was made with, and what its configuration adds to the settings. */
interface Subject {
  model: CompiledStepModel
  prompts: number[][]
  options: GenerateOptions
}

async function decoder(on: Engine, name: string): Promise<Subject> {
  const fixture = await loadDecoderFixture(name)
  const shapes = decoderShapes(fixture, 'causal-language-modelling')
  const store = on.createStore(shapes)
  for (const key of Object.keys(shapes)) store.write(key, fixture.weights.get(key)!.values)
  const model = createDecoderSteps(on, { config: fixture.config, store })
  return { model, prompts: fixture.outputs.generated.prompts, options: {} }
}

async function encoderDecoder(on: Engine, name: string): Promise<Subject> {
  const fixture = await loadSequenceFixture(name)
  const { config, outputs, weights } = fixture
  const store = on.createStore(sequenceShapes(fixture))
  for (const [key, { values }] of weights) store.write(key, values)
  const prompts = outputs.inputIds.map((row, index) =>
    row.filter((_, at) => outputs.attentionMask[index]![at] === 1),
  )
  const model = createSequenceSteps(on, { config, store })
  return { model, prompts, options: { forcedEosTokenId: [outputs.forcedEndToken!] } }
}

describe.each([
  ['llama', decoder],
  ['gpt2', decoder],
  ['bart', encoderDecoder],
] as const)('%s', (name, open) => {
  it.each([
    ['diverse beam search and contrastive search', groupsAndContrast, true],
    ['beam search with forced words', forcedWords, false],
  ])('%s: what transformers 4.52 wrote, token for token', async (_, reference, hasForcedEnd) => {
    const { model, prompts, ...given } = await open(engine, name)
    const options = hasForcedEnd ? given.options : {}
    for (const { settings, tokens, scores } of reference[name]) {
      const config = parseGenerationConfig(settings)
      const found = (await generate(model, prompts, { ...config, ...options })).flat()
      // Rows are filled up behind their end.
      const untilEnd = (row: number[]) => {
        const end = row.findIndex((token) => config.eosTokenIds!.includes(token))
        return end < 0 ? row : row.slice(0, end + 1)
      }
      // A token that ends a text but is not the first of them is written as the first.
      const firstEnd = (row: number[]) =>
        row.map((token) => (config.eosTokenIds!.includes(token) ? config.eosTokenIds![0]! : token))
      const isBeams = (config.numBeams ?? 1) > 1
      const written = found.map((sequence) => (isBeams ? firstEnd(sequence.tokens) : sequence.tokens))
      expect(written, JSON.stringify(settings)).toEqual(tokens.map(untilEnd))
      if (!scores) continue
      const own = found.map(({ score }) => score!)
      expect(own).toBeAllClose(scores, { absolute: 1e-4, relative: 1e-4 })
    }
    await model.dispose()
  })
})
