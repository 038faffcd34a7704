import { join } from 'node:path'
import { loadTokenizer, openSafetensors, readConfig } from '@tfx/core'
import { failureOf, fixturePath, temporaryFolder } from '@tfx/testing'
import { TrainingAbortedError, type TrainingEvent } from '@tfx/train'
import { describe, expect, it } from 'vitest'
import { pretrain, type PretrainedModel, type PretrainOptions } from '../src/index'

const folder = temporaryFolder()
const words = 'the quick brown fox jumps over the lazy dog and runs into the dark wood'.split(' ')
const texts = Array.from({ length: 40 }, (_, row) =>
  [...words.slice(row % 7), ...words.slice(0, row % 5)].join(' '),
)
const shared = {
  texts,
  heldOut: texts.slice(0, 4),
  steps: 24,
  batchSize: 8,
  maxLength: 16,
  evaluateEvery: 8,
  onEvent: () => undefined,
}
const sizes = {
  vocab_size: 8192,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 1,
  num_attention_heads: 2,
}
const kinds: Record<string, () => Promise<PretrainOptions>> = {
  encoder: async () => ({
    ...shared,
    tokenizer: await loadTokenizer(fixturePath('../packages/base-encoder')),
    config: readConfig({ model_type: 'bert', ...sizes, max_position_embeddings: 32 }),
  }),
  decoder: async () => ({
    ...shared,
    tokenizer: await loadTokenizer(fixturePath('../packages/base-decoder')),
    config: readConfig({
      model_type: 'llama',
      ...sizes,
      max_position_embeddings: 32,
      eos_token_id: 1,
      pad_token_id: 0,
    }),
  }),
  'encoder-decoder': async () => ({
    ...shared,
    tokenizer: await loadTokenizer(fixturePath('../packages/base-seq2seq')),
    // With dropout, so that its numbers must go on too.
    config: readConfig({
      model_type: 't5',
      vocab_size: 8192,
      d_model: 16,
      d_kv: 8,
      d_ff: 24,
      num_layers: 1,
      num_heads: 2,
    }),
  }),
}

/** Every number of a model, as it is saved. */
async function weightsOf(model: PretrainedModel, name: string): Promise<Map<string, Float32Array>> {
  const directory = folder(name)
  await model.save(directory)
  model.dispose()
  const file = await openSafetensors(join(directory, 'model.safetensors'))
  const weights = new Map<string, Float32Array>()
  for (const tensor of file.tensors.keys()) weights.set(tensor, await file.read(tensor))
  await file.close()
  return weights
}

describe.each(Object.keys(kinds))('pretraining of an %s that is cut', (kind) => {
  it('goes on where it was, and ends with the same weights to the bit', async () => {
    const options = await kinds[kind]!()
    const whole = await weightsOf(await pretrain(options), `${kind}-whole`)
    const checkpoints = { directory: folder(`${kind}-run`), everySteps: 5 }
    const controller = new AbortController()
    const steps: number[] = []
    const onEvent = (event: TrainingEvent) => {
      if (event.type !== 'step') return
      steps.push(event.step)
      if (event.step === 13) controller.abort()
    }
    const cut = pretrain({ ...options, checkpoints, onEvent, signal: controller.signal })
    expect(await failureOf(cut)).toBeInstanceOf(TrainingAbortedError)
    const resumed = await weightsOf(await pretrain({ ...options, checkpoints, onEvent }), `${kind}-resumed`)
    // It did not begin anew.
    expect(steps.slice(13)[0]).toBeGreaterThan(10)
    expect([...resumed.keys()]).toEqual([...whole.keys()])
    for (const [name, values] of whole)
      expect(Buffer.compare(bytes(resumed.get(name)!), bytes(values)), name).toBe(0)
  })

  it('is not taken up with other texts', async () => {
    const options = await kinds[kind]!()
    const given = { ...options, steps: 4, checkpoints: folder(`${kind}-other`) }
    ;(await pretrain(given)).dispose()
    const other = await failureOf(pretrain({ ...given, texts: [...texts].reverse() }))
    expect(other.message).toContain('checkpoints')
  })
})

const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength)
