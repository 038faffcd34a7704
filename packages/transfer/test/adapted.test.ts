import { readFile } from 'node:fs/promises'
import { type ModelConfig, readConfig } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { narrowBase, trainedPart } from '../src/adapted'

const configOf = async (name: string): Promise<ModelConfig> =>
  readConfig(JSON.parse(await readFile(`${fixturePath(`core/${name}`)}/config.json`, 'utf8')))

describe('what of a model that writes is trained', () => {
  it('is everything but what is fixed', async () => {
    const config = await configOf('sequence-to-sequence/marian')
    const { specs, trained } = trainedPart({}, { config, task: 'sequence-to-sequence' })
    expect(Object.keys(specs)).toContain('final_logits_bias')
    expect([...trained, 'final_logits_bias'].sort()).toEqual(Object.keys(specs).sort())
  })

  it('is an adapter alone: what scores the vocabulary is no new head', async () => {
    const config = await configOf('decoders/llama')
    const task = 'causal-language-modelling'
    const { head, trained } = trainedPart({ adapter: 'lora' }, { config, task })
    expect(head).toEqual([])
    expect(trained.length).toBeGreaterThan(0)
    expect(trained.every((name) => /\.lora_[AB]\./.test(name))).toBe(true)
  })
})

describe('an adapter with nothing to train', () => {
  it('is refused: most decoders have no biases', async () => {
    const config = await configOf('decoders/gemma2')
    expect(() => trainedPart({ adapter: 'bitfit' }, { config, task: 'causal-language-modelling' })).toThrow(
      "bitfit trains biases, but got a base of type 'gemma2' without any. Use 'lora' or 'ia3'.",
    )
  })
})

describe('what of a base is kept in fewer bits', () => {
  const task = 'causal-language-modelling'
  const narrowOf = async (name: string) => {
    const part = trainedPart({ adapter: 'lora' }, { config: await configOf(name), task })
    return Object.entries(narrowBase(part, 'int8').narrow!)
  }

  it('is every frozen matrix but the one that scores the words', async () => {
    const tied = await narrowOf('decoders/gpt2')
    expect(tied).toContainEqual(['transformer.wpe.weight', 'int8'])
    expect(tied).toContainEqual(['transformer.h.0.attn.c_attn.weight', 'int8'])
    const names = tied.map(([name]) => name)
    expect(names).not.toContain('transformer.wte.weight')
    expect(names.filter((name) => /bias|ln_|lora/.test(name))).toEqual([])
  })

  it('is the table of words too where another one scores them', async () => {
    const untied = (await narrowOf('decoders/llama')).map(([name]) => name)
    expect(untied).toContain('model.embed_tokens.weight')
    expect(untied).not.toContain('lm_head.weight')
  })

  it('is nothing unless it is asked for', async () => {
    const part = trainedPart({ adapter: 'lora' }, { config: await configOf('decoders/llama'), task })
    expect(narrowBase(part, 'float32')).toEqual({})
  })
})
