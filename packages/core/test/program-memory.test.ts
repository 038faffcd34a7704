import type { Program } from '@tfx/backend'
import { describe, expect, it } from 'vitest'
import { programMemory } from '../src/generation/program-memory'

const program = (events: string[], name: string) =>
  ({
    run: async () => ({}),
    dispose: async () => {
      events.push(`disposed ${name}`)
    },
  }) as unknown as Program

describe('programMemory', () => {
  it('compiles again what failed, and frees the others', async () => {
    const events: string[] = []
    const programs = programMemory()
    const compile = (name: string, fails: boolean) => async () => {
      events.push(`compiled ${name}`)
      if (fails) throw new Error('no memory')
      return program(events, name)
    }
    await programs.once('a', {}, compile('a', false))
    await expect(programs.once('b', {}, compile('b', true))).rejects.toThrow('no memory')
    await programs.once('b', {}, compile('b', false))
    await programs.once('a', {}, compile('a', false))
    await expect(programs.once('c', {}, compile('c', true))).rejects.toThrow('no memory')
    await programs.dispose()
    expect(events).toEqual([
      'compiled a',
      'compiled b',
      'compiled b',
      'compiled c',
      'disposed a',
      'disposed b',
    ])
  })
})
