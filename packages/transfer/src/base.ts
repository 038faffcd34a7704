import { ArgumentError } from '@tfx/common'
import { type EncoderConfig, loadCheckpoint, resolveBase, type EncoderTask, type Tokenizer } from '@tfx/core'
import { initializeMissing } from './initialize-missing'
import { weightsOf } from './model-weights'
import type { TransferOptions } from './options'
import type { Weights } from './runtime'

/** A model in memory: made by `transfer`, `load` or `pretrain`, and not disposed of. */
export interface TrainedModel {
  readonly config: EncoderConfig
  dispose(): unknown
}

/** A base: a hub id, a directory, an installed npm package, or a model that was just trained. */
export type Base = string | TrainedModel

/** A base that has been found; its weights are not in memory yet. */
export interface OpenedBase {
  readonly config: EncoderConfig
  readonly tokenizer: Tokenizer
  /** Fills a store with the weights, new ones where the base has none; returns notes on what was new. */
  load(target: Weights, options: { task: EncoderTask; seed: number }): Promise<string[]>
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
  const given: unknown = base
  const weights = typeof given === 'object' && given !== null ? weightsOf(given) : undefined
  if (weights) return openModel(weights)
  throw new ArgumentError({
    function: 'transfer',
    argument: 'base',
    expected:
      'a hub id, a directory, an npm package, or a model of transfer, load or pretrain that is not disposed of',
    received: given === null ? 'null' : typeof given,
    remedy: "For instance transfer('@tfx/base-encoder', 'reviews.csv').",
  })
}

async function openDirectory(directory: string): Promise<OpenedBase> {
  const checkpoint = await loadCheckpoint(directory, { kind: 'encoder' })
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
