import { fixturePath, loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { type ChatMessage, transfer, type TransferOptions } from '../src/index'

interface Rewards {
  loss: number
  rewardMargin: number
  rewardAccuracy: number
  chosenReward: number
  rejectedReward: number
}

const { template, steps, rate, beta, dialogues, pairs, sft, dpo } = loadFixture<{
  template: string
  steps: number
  rate: number
  beta: number
  dialogues: ChatMessage[][]
  pairs: { prompt: ChatMessage[]; chosen: ChatMessage[]; rejected: ChatMessage[] }[]
  sft: number[]
  dpo: Rewards[]
}>('chat/training')
const base = fixturePath('chat/tiny-chat')
// Whole batches: the order of the examples does not matter.
const same = {
  batchSize: 3,
  maxSteps: steps,
  learningRate: rate,
  schedule: 'constant',
  evaluateEvery: 1,
  keepBest: false,
  progress: false,
} satisfies TransferOptions
const without = { chatTemplate: template.replace(/\{% (end)?generation %\}/g, '') }

describe('learning from dialogues', () => {
  it.each([
    ['marked by the template', { chatTemplate: template }],
    ['found by placeholders', without],
  ])('has the losses of TRL at each step, answers %s', async (_, { chatTemplate }) => {
    const rows = dialogues.map((messages) => ({ messages }))
    const losses: number[] = []
    const bot = await transfer(base, rows, {
      ...same,
      chatTemplate,
      validation: false,
      onEvent: (event) => event.type === 'step' && losses.push(event.loss),
    })
    expect(losses).toHaveLength(steps)
    losses.forEach((loss, step) => expect(loss).toBeCloseTo(sft[step]!, 4))
    await bot.dispose()
  })
})

describe('learning from preferences', () => {
  it('has the losses and rewards of TRL at each step', async () => {
    const losses: number[] = []
    const evaluations: Partial<Rewards>[] = []
    const bot = await transfer(base, pairs, {
      ...same,
      method: 'dpo',
      beta,
      chatTemplate: template,
      validation: pairs,
      onEvent(event) {
        if (event.type === 'step') losses.push(event.loss)
        if (event.type === 'evaluate') evaluations.push(event.metrics)
      },
    })
    expect(losses).toHaveLength(steps)
    losses.forEach((loss, step) => expect(loss).toBeCloseTo(dpo[step]!.loss, 4))
    // TRL tells the rewards of a batch before its step, an evaluation those after it.
    for (const [step, expected] of dpo.slice(1).entries()) {
      for (const name of Object.keys(expected) as (keyof Rewards)[])
        expect(evaluations[step]![name], `${name} after step ${step + 1}`).toBeCloseTo(expected[name], 3)
    }
    await bot.dispose()
  })

  it('starts from the base with an adapter, and changes little but it', async () => {
    const losses: number[] = []
    const bot = await transfer(base, pairs, {
      ...same,
      method: 'dpo',
      adapter: 'lora',
      learningRate: 1e-2,
      validation: false,
      onEvent: (event) => event.type === 'step' && losses.push(event.loss),
    })
    // Nothing is preferred before the first step: −log σ(0).
    expect(losses[0]).toBeCloseTo(Math.log(2), 5)
    expect(losses.at(-1)).toBeLessThan(0.5)
    await bot.dispose()
  })
})
