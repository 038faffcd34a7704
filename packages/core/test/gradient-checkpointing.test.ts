import { createOnnxEngine, type Engine } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { describe, expect, it } from 'vitest'
import { compileDecoder, decoderBatch, loadDecoderFixture } from './decoder-contract'
import { compileTask, fixtureBatch, loadEncoderFixture } from './encoder-contract'
import type { CompiledModel } from './model-contract'
import { compileSequence, loadSequenceFixture, sequenceBatch } from './sequence-to-sequence-contract'

const engine = createOnnxEngine({ threads: 1 })
const checkpointing: Engine = {
  ...engine,
  compile: (step, options) => engine.compile(step, { ...options, gradientCheckpointing: true }),
}

interface Example {
  compile: (engine: Engine) => Promise<CompiledModel>
  batch: (padding: number) => Record<string, HostTensor>
}

/** Norms behind the residuals (BERT) and in front (GPT-2), a bias that all layers share and an encoder (T5). */
const examples: Record<string, () => Promise<Example>> = {
  async bert() {
    const task = 'token-classification'
    const fixture = await loadEncoderFixture('bert')
    return {
      compile: (engine) => compileTask(engine, fixture, { task, training: true }),
      batch: (padding) => fixtureBatch(fixture, task, padding),
    }
  },
  async 'bert, of which little is trained'() {
    const task = 'sequence-classification'
    const fixture = await loadEncoderFixture('bert')
    const trained = (name: string) => name.endsWith('.bias') || name.startsWith('classifier')
    return {
      compile: (engine) => compileTask(engine, fixture, { task, training: true, trained }),
      batch: (padding) => fixtureBatch(fixture, task, padding),
    }
  },
  async gpt2() {
    const task = 'causal-language-modelling'
    const fixture = await loadDecoderFixture('gpt2')
    return {
      compile: (engine) => compileDecoder(engine, fixture, { task, training: true }),
      batch: (padding) => decoderBatch(fixture, task, padding),
    }
  },
  async t5() {
    const fixture = await loadSequenceFixture('t5')
    return {
      compile: (engine) => compileSequence(engine, fixture, { training: true }),
      batch: (padding) => sequenceBatch(fixture, padding),
    }
  },
}

describe('gradient checkpointing', () => {
  it.each(Object.entries(examples))(
    'leaves the outputs and every gradient as they are: %s',
    async (_, load) => {
      const { compile, batch } = await load()
      const [plain, checkpointed] = [await compile(engine), await compile(checkpointing)]
      for (const padding of [0, 3]) {
        const seed = 7 + padding
        const expected = await plain.run(batch(padding), seed)
        const received = await checkpointed.run(batch(padding), seed)
        const bound = { absolute: 1e-6, relative: 1e-6 }
        for (const [name, { data }] of Object.entries(expected))
          expect(received[name]!.data, name).toBeAllClose(data, bound)
        for (const name of plain.names) {
          const gradient = await plain.store.read(name, 'gradient')
          expect(await checkpointed.store.read(name, 'gradient'), name).toBeAllClose(gradient, bound)
        }
      }
      await plain.dispose()
      await checkpointed.dispose()
    },
  )
})
