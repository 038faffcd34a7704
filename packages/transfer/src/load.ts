import { getEngine } from '@tfx/backend'
import { CheckpointError } from '@tfx/common'
import { loadAdapter, loadCheckpoint, resolveBase } from '@tfx/core'
import { mergeInto, withAdapterLabels } from './adapted'
import { checkMaxLength, checkOptionNames, longestInput } from './check-options'
import type { TaskHead, TextInput } from './head'
import { createModel, type TransferModel } from './model'
import type { TransferOptions } from './options'
import { createStore } from './runtime'
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
 * Loads a model that was fine-tuned for a task: by {@link transferTo} or by anyone, from a directory, an npm
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
  checkOptionNames(options, optionNames, 'load')
  if (options.thread) return loadInThread(head, source, options)
  const { cacheDirectory, signal } = options
  const { directory } = await resolveBase(source, {
    ...(cacheDirectory !== undefined && { cacheDirectory }),
    ...(signal && { signal }),
  })
  const checkpoint = await loadCheckpoint(directory, { kind: 'encoder' })
  const loaded = options.adapter === undefined ? undefined : await loadAdapter(options.adapter)
  const { tokenizer } = checkpoint
  const config = loaded ? withAdapterLabels(checkpoint.config, loaded, options.labels) : checkpoint.config
  head.checkModel?.(config)
  const longest = longestInput(checkpoint)
  const { maxLength = longest, truncation = options.maxLength !== undefined } = options
  checkMaxLength(maxLength, longest, 'load')
  const store = createStore(await getEngine(), { config, task: head.task })
  try {
    const write = (name: string, values: Float32Array) => store.write(name, values)
    const { newlyInitialised } = await checkpoint.loadParameters(head.task, { config, write })
    const adapted = loaded ? await mergeInto(store, loaded, { config, task: head.task }) : []
    const missing = newlyInitialised.filter((name) => !adapted.includes(name))
    if (missing.length > 0) throw missingHead(source, { name: head.name, missing })
    const weights = { config, tokenizer, store }
    return await createModel({ head, weights, truncation, maxLength, settings: [], notes: [] })
  } catch (error) {
    store.dispose()
    throw error
  }
}

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
