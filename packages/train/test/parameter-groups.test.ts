import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { parameterGroups } from '../src/index'

interface DecayGroups {
  models: { model: string; decayed: string[]; notDecayed: string[] }[]
}

describe('parameterGroups', () => {
  it.each(loadFixture<DecayGroups>('train/decay-groups').models)(
    'splits $model as the Hugging Face Trainer',
    ({ decayed, notDecayed }) => {
      const groups = parameterGroups([...notDecayed, ...decayed], { weightDecay: 0.1 })
      expect(groups).toEqual([
        { names: decayed, weightDecay: 0.1 },
        { names: notDecayed, weightDecay: 0 },
      ])
    },
  )

  it('leaves out an empty group', () => {
    expect(parameterGroups(['a.bias'], { weightDecay: 0.1 })).toEqual([{ names: ['a.bias'], weightDecay: 0 }])
  })
})
