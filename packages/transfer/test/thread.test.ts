import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { ArgumentError, EngineError } from '@tfx/common'
import { describe, expect, it } from 'vitest'
import { inThread, serveThread } from '../src/index'
import { createGate } from '../src/thread/gate'
import { transferTopics } from './topic-head'

const call = { method: 'transfer', values: ['base'], names: ['base'] }

/** A module that does this when it gets a message. */
function moduleThat(does: string): URL {
  const code = `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { ${does} })`
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`)
}

describe('a thread that ends before its answer', () => {
  it.each([
    ['because it exits', moduleThat('process.exit(3)'), 'exit code 3'],
    ['because of an error that nobody catches', moduleThat("throw new Error('boom')"), 'boom'],
    ['because its module is not there', new URL('./nowhere.mjs', import.meta.url), 'Cannot find module'],
  ])('%s', async (_, address, reason) => {
    const error = await inThread(address, call).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(EngineError)
    expect((error as EngineError).received).toMatch(/^ended \(/)
    expect((error as EngineError).message).toContain(reason)
    expect((error as EngineError).remedy).toMatch(/^Train or load the model again/)
  })
})

describe('a head without a module for threads', () => {
  it('refuses to work in one', async () => {
    const promise = transferTopics('base', 'topics.csv', { thread: true })
    await expect(promise).rejects.toThrow(
      "transfer: 'thread' must be left out: the head 'topics' names no module to run in a thread, but got true.",
    )
    await expect(promise).rejects.toBeInstanceOf(ArgumentError)
  })
})

describe('serveThread', () => {
  it('is for threads alone', () => {
    expect(() => serveThread({})).toThrow(
      'serveThread: is called outside of a thread that transfer or load started.',
    )
  })
})

describe('the gate of native calls', () => {
  it('closes when the call under way has ended', async () => {
    const gate = createGate()
    gate.enter()
    const leaveLater = `
      const { workerData } = require('node:worker_threads')
      const cells = new Int32Array(workerData)
      setTimeout(() => {
        Atomics.sub(cells, 0, 1)
        Atomics.notify(cells, 0)
      }, 50)`
    const other = new Worker(leaveLater, { eval: true, workerData: gate.memory })
    await once(other, 'online')
    const started = performance.now()
    gate.close()
    expect(performance.now() - started).toBeGreaterThan(10)
    expect(new Int32Array(gate.memory)).toEqual(Int32Array.of(0, 1))
    await other.terminate()
  })
})
