import { ArgumentError } from '@tfx/common'
import { type EncoderConfig, loadCheckpoint, resolveBase, type Task, type Tokenizer } from '@tfx/core'
import { initializeMissing } from './initialize-missing'
import { weightsOf } from './model'
import type { TransferOptions } from './options'
import type { Base } from './transfer'
import type { Weights } from './runtime'

/** A base that has been found; its weights are not in memory yet. */
export interface OpenedBase {
  readonly config: EncoderConfig
  readonly tokenizer: Tokenizer
  /** Fills a store with the weights, new ones where the base has none; returns notes on what was new. */
  load(target: Weights, options: { task: Task; seed: number }): Promise<string[]>
}

/**
 * Finds a base.
 *
 * @throws CheckpointError, NetworkError, ArgumentError
 */
export async function openBase(base: Base, { cacheDirectory, signal }: TransferOptions): Promise<OpenedBase> {
  if (typeof base === 'string') {
    const { directory } = await resolveBase(base, {
      ...(cacheDirectory !== undefined && { cacheDirectory }),
      ...(signal && { signal }),
    })
    return openDirectory(directory)
  }
  const weights = typeof base === 'object' && base !== null ? weightsOf(base) : undefined
  if (weights) return openModel(weights)
  throw new ArgumentError({
    function: 'transfer',
    argument: 'base',
    expected: 'a hub id, a directory, an npm package, or a model made by transfer or load',
    received: base === null ? 'null' : typeof base,
    remedy: "For instance transfer('@tfx/base-encoder', 'reviews.csv').",
  })
}

async function openDirectory(directory: string): Promise<OpenedBase> {
  const checkpoint = await loadCheckpoint(directory)
  return {
    config: checkpoint.config,
    tokenizer: checkpoint.tokenizer,
    async load({ config, store }, { task, seed }) {
      const report = await checkpoint.loadParameters(task, {
        config,
        seed,
        write: (name, values) => store.write(name, values),
      })
      return describeNew(report.newlyInitialised)
    },
  }
}

/** A model just trained: its weights are copied, its head only where the labels are the same. */
function openModel({ config, tokenizer, store }: Weights): OpenedBase {
  return {
    config,
    tokenizer,
    async load(target, { task, seed }) {
      const isSame = JSON.stringify(config.labels) === JSON.stringify(target.config.labels)
      return describeNew(await initializeMissing(target, { task, seed, from: { store, keepHead: isSame } }))
    },
  }
}

function describeNew(names: readonly string[]): string[] {
  if (names.length === 0) return []
  return [`These weights are new and start at random, as the base has none: ${names.join(', ')}.`]
}
