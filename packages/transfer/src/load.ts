import { getEngine } from '@tfx/backend'
import { CheckpointError } from '@tfx/common'
import { loadAdapter, type ModelConfig, resolveBase } from '@tfx/core'
import { mergeInto, withAdapterLabels } from './adapted'
import { openDirectory } from './base'
import { checkMaxLength, checkOptionNames, longestInput, usualMaxLength } from './check-options'
import type { TaskHead, TextInput } from './head'
import { headTask } from './head-task'
import type { TransferModel } from './model'
import type { TransferOptions } from './options'
import { createStore } from './runtime'
import type { TransferTask } from './task'
import { loadInThread } from './thread/transfer-in-thread'

/** Options of `load`. */
export interface LoadOptions extends Pick<
  TransferOptions,
  'cacheDirectory' | 'signal' | 'truncation' | 'maxLength' | 'thread'
> {
  /** The directory of an adapter in PEFT's format, trained on this base by tfx or by PEFT; it is merged into the weights. */
  adapter?: string
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
    'name' | 'kind' | 'task' | 'thread' | 'checkModel' | 'model'
  >,
  source: string,
  options: LoadOptions = {},
): Promise<Model> {
  checkOptionNames(options, optionNames, 'load')
  if (options.thread) return (await loadInThread(task, source, options)) as Model
  const { directory } = await resolveBase(source, onlyDefined(options))
  const opened = await openDirectory(directory, task.kind)
  const loaded = options.adapter === undefined ? undefined : await loadAdapter(options.adapter)
  const { tokenizer, generation } = opened
  const own = opened.config as Config
  const config = loaded ? withAdapterLabels(own, loaded, options.labels) : own
  task.checkModel?.(config)
  const longest = longestInput(opened)
  const { maxLength = usualMaxLength(opened), truncation = options.maxLength !== undefined } = options
  checkMaxLength(maxLength, longest, 'load')
  const store = createStore(await getEngine(), { config, task: task.task })
  try {
    const weights = { config, tokenizer, generation, store }
    const added = await opened.read(weights, { task: task.task, seed: 0 })
    const adapted = loaded ? await mergeInto(store, loaded, { config, task: task.task }) : []
    const missing = added.filter((name) => !adapted.includes(name))
    if (missing.length > 0) throw missingHead(source, { name: task.name, missing })
    return await task.model({ weights, truncation, maxLength, settings: [], notes: [] })
  } catch (error) {
    store.dispose()
    throw error
  }
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
