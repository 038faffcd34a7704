import { loadTask, type LoadOptions } from '../load'
import type { TransferOptions } from '../options'
import { runTask, type TransferSource } from '../transfer'
import type { WritingHead, WritingModelConfig, WritingOptions } from './writing-head'
import { writingTask } from './writing-task'

/**
 * Fine-tunes a model that writes, a decoder or an encoder-decoder, on a data set.
 *
 * @param head The task; packages such as `@tfx/translation` bind this argument.
 * @returns What the task makes of the trained model.
 * @throws As `transferTo`.
 */
export async function transferWriting<
  Example,
  Options extends WritingOptions,
  Config extends WritingModelConfig,
  Model extends object,
>(
  head: WritingHead<Example, Options, Config, Model>,
  source: TransferSource,
  options: Options & TransferOptions,
): Promise<Model> {
  return runTask(writingTask(head), source, options)
}

/**
 * Loads a model that writes, for a task: from a directory, an npm package, or the hub.
 *
 * @throws CheckpointError, NetworkError, ArgumentError
 */
export async function loadWriter<
  Example,
  Options extends WritingOptions,
  Config extends WritingModelConfig,
  Model extends object,
>(
  head: WritingHead<Example, Options, Config, Model>,
  source: string,
  options: LoadOptions = {},
): Promise<Model> {
  return loadTask(writingTask(head), source, options)
}
