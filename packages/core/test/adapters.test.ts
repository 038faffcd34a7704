import '@tensorflow/tfjs-backend-cpu'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, type ParameterStore, softmaxCrossEntropy } from '@tfx/backend'
import { createRandom } from '@tfx/common'
import type { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  type Adapter,
  adapterSpecs,
  bitFit,
  ia3,
  initialAdapter,
  loadAdapter,
  loadCheckpoint,
  lora,
  mergedReader,
  modelFamily,
  openSafetensors,
  readConfig,
  saveAdapter,
  trainedNames,
} from '../src/index'
import { engines, int32, near, readTensors } from './model-contract'

const { inputIds, attentionMask, labels, outputs } = loadFixture<{
  inputIds: number[][]
  attentionMask: number[][]
  labels: number[]
  outputs: Record<string, { logits: number[]; loss: number }>
}>('core/adapters/outputs')
const task = 'sequence-classification'
const head = ['classifier.weight', 'classifier.bias']

/** The tiny BERT with an adapter, in a store. */
async function adapted(engine: Engine, adapter: Adapter) {
  const checkpoint = await loadCheckpoint(fixturePath('core/bert-classification'), { kind: 'encoder' })
  const { config } = checkpoint
  const family = modelFamily(config.modelType)
  const specs = family.parameterShapes(config, task)
  const model = { config, specs }
  const all = { ...specs, ...adapterSpecs(adapter, model) }
  const shapes = Object.fromEntries(Object.entries(all).map(([name, { shape }]) => [name, shape]))
  const store = engine.createStore(shapes, ['gradient'])
  await checkpoint.loadParameters(task, { write: (name, values) => store.write(name, values) })
  const read = (name: string) => store.read(name)
  for await (const [name, values] of initialAdapter(adapter, model, { random: createRandom(1), read })) {
    store.write(name, values)
  }
  return { model, family, store, read, trained: trainedNames(adapter, model, head) }
}

type Adapted = Awaited<ReturnType<typeof adapted>>

async function run(engine: Engine, { family, model, store, trained }: Adapted, own: ParameterStore = store) {
  const size = { shape: [2, 6], dtype: 'int32' } as const
  const config = model.config
  const program = await engine.compile(
    ({ inputs, parameters }) => {
      const hidden = family.backbone(parameters, inputs as never, { config, training: false })
      const logits = family.sequenceClassificationHead(parameters, hidden, { config, training: false })
      return { logits, loss: softmaxCrossEntropy(logits, inputs.labels as tf.Tensor) }
    },
    {
      inputs: {
        inputIds: size,
        attentionMask: size,
        tokenTypeIds: size,
        labels: { shape: [2], dtype: 'int32' },
      },
      parameters: own,
      ...(own === store && { gradients: { of: 'loss', withRespectTo: trained } }),
    },
  )
  const zeros = inputIds.map((row) => row.map(() => 0))
  const batch = { inputIds, attentionMask, tokenTypeIds: zeros, labels }
  const result = await program.run(
    Object.fromEntries(Object.entries(batch).map(([name, rows]) => [name, int32(rows)])),
  )
  await program.dispose()
  return { logits: [...result.logits!.data], loss: result.loss!.data[0]! }
}

describe.each(engines)('adapters of PEFT on the engine %s', (_, createEngine) => {
  const engine = createEngine()

  it.each(['bert-lora', 'bert-rslora', 'bert-dora', 'bert-ia3'])(
    'computes what %s computes',
    async (name) => {
      const { adapter, tensors, baseModel } = await loadAdapter(fixturePath(`core/adapters/${name}`))
      expect(baseModel).toBe('bert-classification')
      const bert = await adapted(engine, adapter)
      for (const [parameter, { shape, values }] of tensors) {
        expect(bert.store.shapes[parameter], parameter).toEqual(shape)
        bert.store.write(parameter, values)
      }
      const expected = outputs[name]!
      const { logits, loss } = await run(engine, bert)
      expect(logits).toBeAllClose(expected.logits, near(expected.logits))
      expect(loss).toBeCloseTo(expected.loss, 5)
      // Every gradient of the adapter and of the head, and of nothing else.
      const gradients = await readTensors(fixturePath(`core/adapters/${name}/gradients.safetensors`))
      expect([...gradients.keys()].sort()).toEqual([...bert.trained].sort())
      for (const [parameter, { values }] of gradients) {
        const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
        const ours = await bert.store.read(parameter, 'gradient')
        expect(ours, parameter).toBeAllClose(values, { absolute: 1e-4 * largest })
      }
      // The same without the adapter, merged into the weights.
      const shapes = Object.fromEntries(
        Object.entries(bert.model.specs).map(([key, { shape }]) => [key, shape]),
      )
      const merged = engine.createStore(shapes)
      const read = mergedReader(adapter, bert.model, bert.read)
      for (const parameter of Object.keys(shapes)) merged.write(parameter, await read(parameter))
      expect((await run(engine, bert, merged)).logits).toBeAllClose(expected.logits, near(expected.logits))
    },
  )

  it.each([lora(), lora({ decomposed: true }), ia3(), bitFit()])(
    'starts as the model without it: $method',
    async (adapter) => {
      const plain = await run(engine, await adapted(engine, bitFit()))
      const { logits } = await run(engine, await adapted(engine, adapter))
      expect(logits).toBeAllClose(plain.logits, { absolute: 1e-6 })
    },
  )

  it('is turned off by a scaling of 0', async () => {
    const { adapter, tensors } = await loadAdapter(fixturePath('core/adapters/bert-lora'))
    const bert = await adapted(engine, adapter)
    const plain = await run(engine, bert)
    for (const [name, { values }] of tensors) if (!head.includes(name)) bert.store.write(name, values)
    expect((await run(engine, bert)).logits).not.toEqual(plain.logits)
    for (const name of Object.keys(bert.store.shapes)) {
      if (name.endsWith('.lora_scaling')) bert.store.write(name, Float32Array.of(0))
    }
    expect((await run(engine, bert)).logits).toEqual(plain.logits)
  })
})

describe('adapter files', () => {
  it.each(['gpt2-lora', 'gpt2-dora', 'gpt2-ia3'])(
    'merges %s into the weights that PEFT merges it into',
    async (name) => {
      const { adapter, tensors } = await loadAdapter(fixturePath(`core/adapters/${name}`))
      const file = fixturePath('core/decoders/gpt2/config.json')
      const config = readConfig(JSON.parse(readFileSync(file, 'utf8')) as object)
      const specs = modelFamily(config.modelType).parameterShapes(config, 'causal-language-modelling')
      const base = await openSafetensors(fixturePath('core/decoders/gpt2/model.safetensors'))
      const nameIn = (parameter: string) =>
        base.tensors.has(parameter) ? parameter : parameter.replace(/^transformer\./, '')
      const read = mergedReader(
        adapter,
        { config, specs },
        async (parameter) => tensors.get(parameter)?.values ?? base.read(nameIn(parameter)),
      )
      const expected = await readTensors(fixturePath(`core/adapters/${name}/merged.safetensors`))
      expect(expected.size).toBeGreaterThan(3)
      for (const [parameter, { values }] of expected) {
        expect(await read(parameter), parameter).toBeAllClose(values, { absolute: 1e-6, relative: 1e-5 })
      }
      await base.close()
    },
  )

  it.each(['bert-lora', 'bert-rslora', 'bert-dora', 'bert-ia3'])('writes %s as it was read', async (name) => {
    const directory = await mkdtemp(join(tmpdir(), 'tfx-adapter-'))
    const source = fixturePath(`core/adapters/${name}`)
    const { adapter, tensors } = await loadAdapter(source)
    const { config } = await loadCheckpoint(fixturePath('core/bert-classification'), { kind: 'encoder' })
    const specs = modelFamily(config.modelType).parameterShapes(config, task)
    const read = async (parameter: string) => tensors.get(parameter)!.values
    const contents = {
      adapter,
      config,
      specs,
      head,
      read,
      taskType: 'SEQ_CLS',
      baseModel: 'bert-classification',
    }
    await saveAdapter(directory, contents)
    const again = await loadAdapter(directory)
    expect(again).toEqual({ adapter, baseModel: 'bert-classification', tensors: again.tensors })
    expect(new Map([...again.tensors].sort())).toEqual(new Map([...tensors].sort()))
    const [ours, theirs] = await Promise.all(
      [directory, source].map(
        async (folder) => JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8')) as object,
      ),
    )
    expect(theirs).toMatchObject({
      ...ours,
      modules_to_save: expect.arrayContaining(['classifier']) as unknown,
    })
    await rm(directory, { recursive: true })
  })

  it('refuses what would change the numbers', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tfx-adapter-'))
    const refusal = async (change: object) => {
      const file = join(fixturePath('core/adapters/bert-lora'), 'adapter_config.json')
      const json = { ...(JSON.parse(await readFile(file, 'utf8')) as object), ...change }
      await writeFile(join(directory, 'adapter_config.json'), JSON.stringify(json))
      return loadAdapter(directory).catch((error: unknown) => String(error))
    }
    expect(await refusal({ peft_type: 'LOHA' })).toContain(
      `a peft_type of 'LORA', 'IA3' or 'PROMPT_TUNING', but got "LOHA" in`,
    )
    expect(await refusal({ rank_pattern: { query: 4 } })).toContain('no rank_pattern, but got {"query":4}')
    expect(await refusal({ bias: 'all' })).toContain('no bias, but got all')
    expect(await refusal({ target_modules: 'all-linear' })).toContain(
      'a list of names as target_modules, but got "all-linear"',
    )
    await rm(directory, { recursive: true })
  })
})

describe('targets', () => {
  const folders = ['encoders', 'decoders', 'sequence-to-sequence'].flatMap((kind) =>
    readdirSync(fixturePath(`core/${kind}`), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'tokenizers')
      .map(({ name }) => `${kind}/${name}`),
  )

  it.each(folders)('are known for %s', (folder) => {
    const json = JSON.parse(readFileSync(fixturePath(`core/${folder}/config.json`), 'utf8')) as object
    const config = readConfig(json)
    const specs = modelFamily(config.modelType).parameterShapes(config, 'feature-extraction')
    const added = Object.keys(adapterSpecs(lora(), { config, specs }))
    expect(added.length).toBeGreaterThanOrEqual(3)
    expect(added[0]).toMatch(
      /(?:q|query|query_proj|q_lin|q_proj|v|value|v_proj|v_lin|c_attn|Wqkv|qkv_proj)\.lora_A\.weight$/,
    )
  })

  it('are refused where the model has none of them', () => {
    const model = {
      config: { modelType: 'bert' as const, hiddenSize: 2 },
      specs: { 'a.weight': { shape: [2, 2], initialize: 'normal' as const } },
    }
    expect(() => adapterSpecs(lora({ targets: ['nothing'] }), model)).toThrow(
      "lora: 'targets' must be names of linear layers of the model, or their ends, but got nothing, which the model does not have.",
    )
    expect(() =>
      adapterSpecs(ia3(), { ...model, config: { modelType: 'marian' as const, hiddenSize: 2 } }),
    ).toThrow(
      "ia3: 'targets' must be names of linear layers of the model, or their ends, but got 'marian', of which none are known.",
    )
    expect(() => lora({ rank: 0 })).toThrow("lora: 'rank' must be a whole number above 0, but got 0.")
  })
})
