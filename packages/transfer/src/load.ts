import { getEngine } from '@tfx/backend'
import { CheckpointError } from '@tfx/common'
import { loadCheckpoint, resolveBase } from '@tfx/core'
import type { TaskHead, TextInput } from './head'
import { createModel, type TransferModel } from './model'
import type { TransferOptions } from './options'
import { createStore } from './runtime'

/** Options of `load`. */
export type LoadOptions = Pick<TransferOptions, 'cacheDirectory' | 'signal' | 'truncation' | 'maxLength'>

/**
 * Loads a model that was fine-tuned for a task: by {@link transferTo} or by anyone, from a directory, an npm
 * package, or the hub.
 *
 * @throws CheckpointError if it is no model of this task: a head that is missing is not made up.
 */
export async function loadFor<Example extends TextInput, Answer, Options>(
  head: TaskHead<Example, Answer, Options>,
  source: string,
  { truncation = false, maxLength, ...options }: LoadOptions = {},
): Promise<TransferModel<Example, Answer, Options>> {
  const { directory } = await resolveBase(source, options)
  const checkpoint = await loadCheckpoint(directory)
  const { config, tokenizer } = checkpoint
  const store = createStore(await getEngine(), { config, task: head.task })
  const { newlyInitialised } = await checkpoint.loadParameters(head.task, {
    config,
    seed: 0,
    write: (name, values) => store.write(name, values),
  })
  if (newlyInitialised.length > 0) {
    store.dispose()
    throw new CheckpointError({
      function: 'load',
      argument: 'source',
      expected: `a model fine-tuned for ${head.name}`,
      received: `'${source}', which lacks ${newlyInitialised.join(', ')}`,
      remedy: 'Fine-tune it first: transfer(base, dataset).',
    })
  }
  const longest = Math.min(tokenizer.maxLength, config.maxPositionEmbeddings)
  return createModel({
    head,
    weights: { config, tokenizer, store },
    truncation: truncation || maxLength !== undefined,
    maxLength: Math.min(maxLength ?? longest, longest),
    settings: [],
    notes: [],
  })
}
