import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { tf } from '@tfx/compiler'
import { expect, it } from 'vitest'
import { dropout, embedding, layerNorm, linear, softmaxCrossEntropy } from '../src/index'
import { engines, get, int32, wave } from './engines'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** In MB, once garbage is collected: what the process holds beside JavaScript's heap, and what is in JavaScript's hands. */
async function usedMemory(): Promise<{ native: number; scripted: number }> {
  // What native code holds is released by finalizers, which run after a collection.
  for (let round = 0; round < 3; round++) {
    collectGarbage()
    await setTimeout(10)
  }
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  // The heap's free pages come and go by tens of MB with the load of the machine.
  return { native: (rss - heapTotal) / 2 ** 20, scripted: (heapUsed + external) / 2 ** 20 }
}

const width = 64
const shapes = { table: [10, width], weight: [width], bias: [width], head: [3, width] }

it.each(engines)('2,000 steps of the %s engine leave no memory behind', async (name, engine) => {
  // tfjs-cpu is slow, and all of its memory is JavaScript's, where a leak of any size shows.
  const largest = name === 'tfjs' ? 2 : 16
  const store = engine.createStore(shapes, ['gradient'])
  for (const [parameter, shape] of Object.entries(shapes)) store.write(parameter, wave(shape))
  const program = await engine.compile(
    ({ inputs, parameters }) => {
      const rows = embedding(get(parameters, 'table'), get(inputs, 'ids'))
      const normalized = layerNorm(rows, { weight: get(parameters, 'weight'), bias: get(parameters, 'bias') })
      const logits = linear(tf.mean(dropout(normalized, 0.1), 1), get(parameters, 'head'))
      return { logits, loss: softmaxCrossEntropy(logits, get(inputs, 'labels')) }
    },
    {
      inputs: {
        ids: { shape: ['batch', 'sequence'], dtype: 'int32' },
        labels: { shape: ['batch'], dtype: 'int32' },
      },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: Object.keys(shapes) },
    },
  )
  const step = (index: number) => {
    const [batch, sequence] = [largest - (index % 2), 4 + (index % 5)]
    const ids = int32(
      Array.from({ length: batch * sequence }, (_, token) => (7 * token + index) % 10),
      [batch, sequence],
    )
    return program.run(
      { ids, labels: int32(Array.from({ length: batch }, (_, row) => row % 3)) },
      { seed: index },
    )
  }
  for (let index = 0; index < 500; index++) await step(index)
  const tensors = tf.memory().numTensors
  const buffers = tf.memory().numDataBuffers
  // A leak grows in every window of 2,000 steps, the allocator's own pages only in some.
  const growth = { native: Infinity, scripted: Infinity }
  for (let window = 0; window < 5 && growth.native > 2; window++) {
    const before = await usedMemory()
    for (let index = 0; index < 2000; index++) await step(index)
    const after = await usedMemory()
    growth.native = Math.min(growth.native, after.native - before.native)
    growth.scripted = Math.min(growth.scripted, after.scripted - before.scripted)
  }
  expect(tf.memory().numTensors).toBe(tensors)
  expect(tf.memory().numDataBuffers).toBe(buffers)
  // 1 kB a step.
  expect(growth.scripted).toBeLessThan(2)
  expect(growth.native).toBeLessThan(2)
  await program.dispose()
  store.dispose()
})

it('tensors and stores of the tfjs engine are gone after dispose', async () => {
  const engine = engines.find(([name]) => name === 'tfjs')?.[1]
  const before = tf.memory().numTensors
  const store = engine?.createStore(shapes, ['gradient'])
  expect(tf.memory().numTensors).toBe(before + 8)
  store?.write('table', wave(shapes.table))
  store?.dispose()
  expect(tf.memory().numTensors).toBe(before)
})

it('programs of the onnx engine give their memory back', async () => {
  const engine = engines.find(([name]) => name === 'onnx')?.[1]
  const store = engine?.createStore({ w: [512, 512] })
  const cycle = async () => {
    const program = await engine?.compile(
      ({ inputs, parameters }) => ({
        y: tf.matMul(get<tf.Rank.R2>(inputs, 'x'), get<tf.Rank.R2>(parameters, 'w')),
      }),
      { inputs: { x: { shape: [1024, 512] } }, ...(store && { parameters: store }) },
    )
    await program?.run({ x: { dtype: 'float32', shape: [1024, 512], data: new Float32Array(1024 * 512) } })
    await program?.dispose()
  }
  for (let index = 0; index < 10; index++) await cycle()
  const before = await usedMemory()
  // Each session holds at least the 2 MB of its output.
  for (let index = 0; index < 100; index++) await cycle()
  expect((await usedMemory()).native - before.native).toBeLessThan(100)
})
