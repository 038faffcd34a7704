import { getEngine, type ParameterStore } from '@tfx/backend'
import { ArgumentError, CheckpointError } from '@tfx/common'
import {
  furtherParametersOf,
  type InferencePrecision,
  loadAdapter,
  type LoadedAdapter,
  type ModelConfig,
  resolveBase,
  type Task,
} from '@tfx/core'
import {
  checkAdapter,
  checkPrompt,
  keptBeside,
  mergeInto,
  type TrainedPart,
  trainedPart,
  withAdapterLabels,
} from './adapted'
import { openDirectory } from './base'
import { checkMaxLength, checkOptionNames, longestInput } from './check-options'
import type { TaskHead, TextInput } from './head'
import { headTask } from './head-task'
import type { TransferModel } from './model'
import type { TransferOptions } from './options'
import { createStore } from './runtime'
import type { SwitchableAdapter } from './switched-adapters'
import type { TransferTask } from './task'
import { loadInThread } from './thread/transfer-in-thread'

/** Options of `load`. */
export interface LoadOptions extends Pick<
  TransferOptions,
  'cacheDirectory' | 'signal' | 'truncation' | 'maxLength' | 'thread'
> {
  /** The directory of an adapter in PEFT's format, trained on this base by tfx or by PEFT; it is merged into the weights. */
  adapter?: string
  /**
   * Directories of adapters by name, to be chosen from at every call: `model.predict(text, { adapter: 'name' })`,
   * `model.translate(text, { adapter: 'name' })`. They share the base, which stays as it is.
   */
  adapters?: Readonly<Record<string, string>>
  /**
   * What the model computes with. `int8` and `int4` round the weights of matrix products by blocks of 32: models that write are
   * two to three times as fast, and answers differ a little. `save` writes the weights as they were. Default float32.
   */
  precision?: InferencePrecision
  /** The names of the classes that the adapter's head tells apart. Default: the base's, or LABEL_0, LABEL_1, … */
  labels?: readonly string[]
}

const optionNames = Object.keys({
  cacheDirectory: true,
  signal: true,
  truncation: true,
  maxLength: true,
  thread: true,
  adapter: true,
  adapters: true,
  precision: true,
  labels: true,
} satisfies Record<keyof LoadOptions, true>)

/**
 * Loads an encoder that was fine-tuned for a task: by {@link transferTo} or by anyone, from a directory, an npm
 * package, or the hub.
 *
 * @throws CheckpointError if it is no model of this task: a head that is missing is not made up.
 * @throws NetworkError if the hub cannot be reached; ArgumentError on wrong options.
 */
export async function loadFor<Example extends TextInput, Answer, Options>(
  head: TaskHead<Example, Answer, Options>,
  source: string,
  options: LoadOptions = {},
): Promise<TransferModel<Answer, Options>> {
  return loadTask(headTask(head), source, options)
}

/**
 * Loads a model of any task.
 *
 * @throws As {@link loadFor}.
 */
export async function loadTask<Config extends ModelConfig, Model extends object>(
  task: Pick<
    TransferTask<never, never, Config, Model>,
    'name' | 'kind' | 'task' | 'thread' | 'readsPrompts' | 'checkModel' | 'model'
  >,
  source: string,
  options: LoadOptions = {},
): Promise<Model> {
  checkOptionNames(options, optionNames, { caller: 'load' })
  checkAdapters(options)
  const { precision = 'float32' } = options
  checkPrecision(precision)
  if (options.thread) return (await loadInThread(task, source, options)) as Model
  const { directory } = await resolveBase(source, onlyDefined(options))
  const opened = await openDirectory(directory, task.kind)
  const loaded = options.adapter === undefined ? undefined : await loadAdapter(options.adapter)
  const { tokenizer, generation } = opened
  const own = opened.config as Config
  const config = loaded ? withAdapterLabels(own, loaded, options.labels) : own
  const switched = await readAdapters(options, config, task)
  for (const each of switched ?? [{ config }]) task.checkModel?.(each.config)
  const longest = longestInput(opened)
  const { maxLength = longest, truncation = options.maxLength !== undefined } = options
  checkMaxLength(maxLength, longest, 'load')
  const part = trainedPart(loaded ?? {}, { config, task: task.task })
  checkPrompt(part.adapter, task)
  const store = createStore(await getEngine(), { ...part, added: keptBeside(part) })
  try {
    const weights = { config, tokenizer, generation, store, precision }
    const added = await opened.read(weights, { task: task.task, seed: 0 })
    const adapted = loaded ? await mergeInto(store, loaded, { config, task: task.task }) : []
    const lacking = added.filter((name) => !adapted.includes(name))
    const heads = switched ?? []
    const missing = lacking.filter(
      (name) => heads.length === 0 || heads.some(({ loaded: { tensors } }) => !tensors.has(name)),
    )
    if (missing.length > 0) throw missingHead(source, { name: task.name, missing })
    const byName = switched && Object.fromEntries(await switchable(switched, store))
    const adapters = byName && { byName, isNeeded: lacking.length > 0 }
    const model = { weights, truncation, maxLength, settings: [], notes: [] }
    return await task.model({ ...model, ...(adapters && { adapters }) })
  } catch (error) {
    store.dispose()
    throw error
  }
}

/** An adapter as it was read, which may be one of several. */
interface ReadAdapter<Config extends ModelConfig> {
  readonly name: string
  readonly loaded: LoadedAdapter
  readonly part: TrainedPart
  readonly config: Config
}

/** The adapters to be switched between; undefined if none are asked for. */
async function readAdapters<Config extends ModelConfig>(
  { adapters, labels }: LoadOptions,
  base: Config,
  task: { readonly name: string; readonly task: Task; readonly readsPrompts?: boolean },
): Promise<ReadAdapter<Config>[] | undefined> {
  if (adapters === undefined) return undefined
  const read = Object.entries(adapters).map(async ([name, directory]) => {
    const loaded = await loadAdapter(directory)
    const config = withAdapterLabels(base, loaded, labels)
    checkPrompt(loaded.adapter, task)
    return { name, loaded, config, part: checkAdapter(loaded, { config, task: task.task }) }
  })
  return Promise.all(read)
}

/** What adapters compute with, beside the weights in a store. */
const switchable = <Config extends ModelConfig>(
  adapters: readonly ReadAdapter<Config>[],
  store: ParameterStore,
): Promise<[name: string, adapter: SwitchableAdapter<Config>][]> =>
  Promise.all(
    adapters.map(async ({ name, loaded, part, config }) => [
      name,
      { config, parameters: await furtherParametersOf(loaded, part, (parameter) => store.read(parameter)) },
    ]),
  )

/** @throws ArgumentError */
function checkAdapters({ adapter, adapters }: LoadOptions): void {
  if (adapters === undefined || adapter === undefined) return
  throw new ArgumentError({
    function: 'load',
    argument: 'adapters',
    expected: 'left out with adapter',
    received: Object.keys(adapters).join(', '),
    remedy: 'Load one model for each adapter: load(base, { adapter: directory }).',
  })
}

/** @throws ArgumentError */
function checkPrecision(precision: unknown): void {
  if (precision === 'float32' || precision === 'int8' || precision === 'int4') return
  throw new ArgumentError({
    function: 'load',
    argument: 'precision',
    expected: "'float32', 'int8' or 'int4'",
    received: JSON.stringify(precision),
    remedy: 'Leave it out for float32.',
  })
}

const onlyDefined = ({ cacheDirectory, signal }: LoadOptions) => ({
  ...(cacheDirectory !== undefined && { cacheDirectory }),
  ...(signal && { signal }),
})

function missingHead(
  source: string,
  { name, missing }: { name: string; missing: readonly string[] },
): CheckpointError {
  return new CheckpointError({
    function: 'load',
    argument: 'source',
    expected: `a model fine-tuned for ${name}`,
    received: `'${source}', which lacks ${missing.join(', ')}`,
    remedy: 'Fine-tune it first: transfer(base, dataset).',
  })
}
