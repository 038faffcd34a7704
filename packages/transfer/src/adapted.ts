import type { ParameterStore, StoreOptions } from '@tfx/backend'
import { ArgumentError, CheckpointError, createRandom, mixSeed } from '@tfx/common'
import {
  type Adapter,
  adapterSpecs,
  bitFit,
  ia3,
  initialAdapter,
  type LoadedAdapter,
  lora,
  mergedReader,
  type ModelConfig,
  modelFamily,
  type ParameterSpecs,
  promptTuning,
  type ReadParameter,
  saveAdapter,
  type Task,
  trainedNames,
  withLabels,
} from '@tfx/core'
import type { TransferOptions } from './options'
import type { Weights } from './runtime'

/** What of a model is trained. */
export interface TrainedPart {
  readonly adapter: Adapter | undefined
  readonly config: ModelConfig
  readonly task: Task
  /** Every parameter of the model without its adapter. */
  readonly specs: ParameterSpecs
  /** Those that the adapter adds. */
  readonly added: ParameterSpecs
  /** The names of the head's parameters. */
  readonly head: readonly string[]
  /** The names of what is trained. */
  readonly trained: readonly string[]
}

const writingTasks: readonly Task[] = ['causal-language-modelling', 'sequence-to-sequence']

/**
 * Everything, or an adapter with the head.
 *
 * @throws ArgumentError on an adapter that the model cannot have.
 */
export function trainedPart(
  { adapter: given }: Pick<TransferOptions, 'adapter'>,
  { config, task }: { config: ModelConfig; task: Task },
): TrainedPart {
  const family = modelFamily(config.modelType as string)
  const specs = family.parameterShapes(config, task)
  // The pooler too, which bases pretrained by masking words do not have: what starts at random must be trained and saved.
  const backbone = family.parameterShapes(config, 'feature-extraction')
  // What scores the vocabulary is no new head: it comes with the base, as in PEFT.
  const head = writingTasks.includes(task) ? [] : Object.keys(specs).filter((name) => !(name in backbone))
  const adapter =
    typeof given === 'string' ? { lora, ia3, bitfit: bitFit, prompt: promptTuning }[given]() : given
  if (adapter?.method === 'prompt' && scalesBehindLookup(config)) throw noPromptOf(config)
  const part = { adapter, config, task, specs, head }
  if (adapter === undefined) {
    const trained = Object.keys(specs).filter((name) => specs[name]!.isFixed !== true)
    return { ...part, added: {}, trained }
  }
  const model = { config, specs }
  const trained = trainedNames(adapter, model, head)
  if (trained.length === 0) throw nothingToTrain(config)
  return { ...part, added: adapterSpecs(adapter, model), trained }
}

/** @throws ArgumentError on a prompt for a task that cannot read one. */
export function checkPrompt(
  adapter: Adapter | undefined,
  { name, readsPrompts = false }: { name: string; readsPrompts?: boolean },
): void {
  if (adapter?.method !== 'prompt' || readsPrompts) return
  throw new ArgumentError({
    function: 'promptTuning',
    argument: 'adapter',
    expected: `another one for '${name}' as it is learned here, which puts no prompt in front of its texts`,
    received: 'a prompt',
    remedy: "Use 'lora' or 'ia3'.",
  })
}

/**
 * Whether Hugging Face's model scales words behind their lookup, and only what it looks up itself: so that with a prompt of
 * PEFT, which looks words up by itself, they are other words than the model was trained on.
 */
const scalesBehindLookup = (config: ModelConfig): boolean =>
  ['marian', 'pegasus'].includes(config.modelType) &&
  'scaleEmbedding' in config &&
  config.scaleEmbedding === true

const noPromptOf = ({ modelType }: ModelConfig) =>
  new ArgumentError({
    function: 'promptTuning',
    argument: 'adapter',
    expected: 'of a model whose words stay what they are behind a prompt of PEFT',
    received: `one of type '${modelType}', whose words PEFT does not scale then`,
    remedy: "Use 'lora' or 'ia3'.",
  })

const nothingToTrain = ({ modelType }: ModelConfig) =>
  new ArgumentError({
    function: 'transfer',
    argument: 'adapter',
    expected: 'one that has something to train: bitfit trains biases',
    received: `a base of type '${modelType as string}' without any`,
    remedy: "Use 'lora' or 'ia3'.",
  })

/**
 * How the store keeps what is frozen: matrices in fewer bits; vectors, which take little, as they are; and as it is the
 * table that scores the words, since widening the largest weight of all at once would take more than it saves.
 */
export function narrowBase(
  { config, task, specs, trained }: TrainedPart,
  precision: TransferOptions['basePrecision'] & {},
): StoreOptions {
  if (precision === 'float32') return {}
  const scoresWords = (name: string) =>
    writingTasks.includes(task) &&
    specs[name]!.shape[0] === config.vocabSize &&
    (name === 'lm_head.weight' || !('lm_head.weight' in specs))
  const isNarrow = (name: string) =>
    !trained.includes(name) &&
    specs[name]!.isFixed !== true &&
    specs[name]!.shape.length > 1 &&
    !scoresWords(name)
  const names = Object.keys(specs).filter(isNarrow)
  return { narrow: Object.fromEntries(names.map((name) => [name, precision])) }
}

/** Writes the values that a new adapter starts from. */
export async function fillAdapter(
  { adapter, config, specs }: TrainedPart,
  { store, tokenizer }: Pick<Weights, 'store' | 'tokenizer'>,
  seed: number,
): Promise<void> {
  if (adapter === undefined) return
  const random = createRandom(mixSeed(seed, 2))
  const encode = (text: string) => [
    ...tokenizer.encodeBatch([text], { maxLength: tokenizer.maxLength })[0]!.inputIds,
  ]
  const read = (name: string) => store.read(name)
  for await (const [name, values] of initialAdapter(adapter, { config, specs }, { random, read, encode })) {
    store.write(name, values)
  }
}

/** Those parameters of an adapter that cannot be merged: a prompt stays beside the weights. */
export const keptBeside = ({ adapter, added }: Pick<TrainedPart, 'adapter' | 'added'>): ParameterSpecs =>
  adapter?.method === 'prompt' ? added : {}

/** Reads a model's parameters, its adapter merged into them. */
export function readMerged({ adapter, config, specs }: TrainedPart, store: ParameterStore): ReadParameter {
  const read = (name: string) => store.read(name)
  return adapter === undefined ? read : mergedReader(adapter, { config, specs }, read)
}

/** An adapter that was trained, kept beside the model that it has been merged into. */
export interface TrainedAdapter extends TrainedPart {
  readonly values: ReadonlyMap<string, Float32Array>
  readonly baseModel: string | undefined
}

/** Copies the adapter and the head out of a store; undefined if there is no adapter that has a file. */
export async function takeAdapter(
  part: TrainedPart,
  store: ParameterStore,
  baseModel: string | undefined,
): Promise<TrainedAdapter | undefined> {
  if (part.adapter === undefined || part.adapter.method === 'bitfit') return undefined
  const names = [...Object.keys(part.added), ...part.head]
  const values = await Promise.all(names.map(async (name) => [name, await store.read(name)] as const))
  return { ...part, values: new Map(values), baseModel }
}

const taskTypes: Partial<Record<Task, string>> = {
  'sequence-classification': 'SEQ_CLS',
  'token-classification': 'TOKEN_CLS',
  'feature-extraction': 'FEATURE_EXTRACTION',
  'causal-language-modelling': 'CAUSAL_LM',
  'sequence-to-sequence': 'SEQ_2_SEQ_LM',
}

/** @throws ArgumentError if the model was not trained by an adapter; FileSystemError */
export async function saveTrainedAdapter(
  trained: TrainedAdapter | undefined,
  directory: string,
  { overwrite = false }: { overwrite?: boolean },
): Promise<void> {
  if (trained?.adapter === undefined || trained.adapter.method === 'bitfit') {
    throw new ArgumentError({
      function: 'saveAdapter',
      argument: 'model',
      expected: 'one that was trained by an adapter with files of its own',
      received: 'one without',
      remedy: "Train with { adapter: 'lora' } or 'ia3', or save the whole model: model.save(directory).",
    })
  }
  const { adapter, baseModel, values, task, ...model } = trained
  const taskType = taskTypes[task]
  const contents = {
    ...model,
    adapter,
    read: async (name: string) => values.get(name)!,
    ...(taskType !== undefined && { taskType }),
    ...(baseModel !== undefined && { baseModel }),
  }
  await saveAdapter(directory, contents, { overwrite, caller: 'saveAdapter' })
}

/** The configuration of a base with the labels of an adapter's head: its own names if their number is the same. */
export function withAdapterLabels<Config extends ModelConfig>(
  config: Config,
  { tensors }: LoadedAdapter,
  labels: readonly string[] | undefined,
): Config {
  const bias = [...tensors].find(([name]) => /(?:^|\.)(?:classifier|out_proj)\.bias$/.test(name))
  const count = bias?.[1].shape[0] ?? config.labels.length
  if (labels === undefined && count === config.labels.length) return config
  return withLabels(config, labels ?? Array.from({ length: count }, (_, index) => `LABEL_${index}`))
}

/**
 * The part of a model that an adapter is for.
 *
 * @throws CheckpointError if it is one for another model.
 */
export function checkAdapter(
  { adapter, tensors }: LoadedAdapter,
  model: { config: ModelConfig; task: Task },
): TrainedPart {
  const part = trainedPart({ adapter }, model)
  const expected: ParameterSpecs = { ...part.specs, ...part.added }
  for (const [name, { shape }] of tensors) {
    if (expected[name]?.shape.join() !== shape.join()) throw otherModel(name, shape, expected[name]?.shape)
  }
  const missing = Object.keys(part.added).find((name) => !tensors.has(name))
  if (missing !== undefined) throw otherModel(missing, undefined, part.added[missing]!.shape)
  return part
}

/**
 * Merges an adapter into the weights in a store, and takes over the head that was saved with it.
 *
 * @returns The names of the parameters of the adapter's head.
 * @throws CheckpointError if it is one for another model.
 */
export async function mergeInto(
  store: ParameterStore,
  loaded: LoadedAdapter,
  { config, task }: { config: ModelConfig; task: Task },
): Promise<string[]> {
  const { adapter, tensors } = loaded
  const part = checkAdapter(loaded, { config, task })
  const { specs } = part
  const read = async (name: string) => tensors.get(name)?.values ?? store.read(name)
  const merged = mergedReader(adapter, { config, specs }, read)
  for (const name of Object.keys({ ...specs, ...keptBeside(part) })) store.write(name, await merged(name))
  return [...tensors.keys()].filter((name) => name in specs)
}

function otherModel(
  name: string,
  received: readonly number[] | undefined,
  expected: readonly number[] | undefined,
): CheckpointError {
  const describe = (shape: readonly number[] | undefined) =>
    shape === undefined ? 'none' : `[${shape.join(', ')}]`
  return new CheckpointError({
    function: 'load',
    argument: 'adapter',
    expected: `an adapter of this base, with ${describe(expected)} for ${name}`,
    received: describe(received),
    remedy: 'Load it on the base that it was trained on; adapter_config.json names it.',
  })
}
