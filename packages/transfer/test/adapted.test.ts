import { readFile } from 'node:fs/promises'
import { type ModelConfig, readConfig } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { trainedPart } from '../src/adapted'

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
