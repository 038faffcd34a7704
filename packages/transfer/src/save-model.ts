import { ArgumentError } from '@tfx/common'
import { onnxFiles, type OnnxPrecision, promptName, saveCheckpoint, type Task } from '@tfx/core'
import { checkOptionNames } from './check-options'
import type { Weights } from './runtime'

/** How a model is saved. */
export interface SaveOptions {
  /** Replace a model that is there. A directory that holds anything else is never replaced. Default false. */
  overwrite?: boolean
  /** The ONNX files to write for Transformers.js. Default float32, and int8 for browsers. */
  onnx?: readonly OnnxPrecision[]
}

/** Writes a model, its tokenizer and ONNX files. */
export async function saveModel(
  { config, tokenizer, generation, store }: Weights,
  directory: string,
  { task, overwrite = false, onnx = ['float32', 'int8'] }: SaveOptions & { task: Task },
): Promise<void> {
  if (promptName in store.shapes) throw promptIsNoWeight()
  await saveCheckpoint(directory, {
    caller: 'save',
    config,
    task,
    tokenizer,
    parameters: store,
    overwrite,
    onnx,
    ...(generation && Object.keys(generation).length > 0 && { generation }),
  })
}

const promptIsNoWeight = () =>
  new ArgumentError({
    function: 'save',
    argument: 'model',
    expected: 'one whose weights say all that it has learned',
    received: 'one that reads a learned prompt, which is no part of them',
    remedy:
      'Save the prompt by model.saveAdapter(directory), and load it with load(base, { adapter: directory }).',
  })

const saveOptionNames = Object.keys({ overwrite: true, onnx: true } satisfies Record<keyof SaveOptions, true>)

/** @throws ArgumentError */
export function checkSave(directory: unknown, options: SaveOptions = {}): SaveOptions {
  checkOptionNames(options, saveOptionNames, { caller: 'save' })
  const precisions: readonly unknown[] = options.onnx ?? []
  const known = Object.keys(onnxFiles)
  const unknown = precisions.find((precision) => !known.includes(precision as OnnxPrecision))
  if (unknown !== undefined) {
    throw new ArgumentError({
      function: 'save',
      argument: 'onnx',
      expected: `a list of ${known.map((precision) => `'${precision}'`).join(', ')}`,
      received: JSON.stringify(unknown),
      remedy: 'Leave it out for float32 and int8, or pass [] for none.',
    })
  }
  if (typeof directory === 'string' && directory.trim() !== '') return options
  throw new ArgumentError({
    function: 'save',
    argument: 'directory',
    expected: 'a path',
    received: typeof directory === 'string' ? 'an empty string' : typeof directory,
    remedy: "For instance model.save('./my-model').",
  })
}
