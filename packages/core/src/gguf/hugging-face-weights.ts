import { CheckpointError, sizeOf } from '@tfx/common'
import type { StoredTensor, WeightsReader } from '../weights'
import { architectureOf, type Change, type GgufArchitecture } from './architectures'
import type { GgufReader } from './read'

const caller = 'huggingFaceWeights'

/** Factors of the rotary embedding, which belong to the configuration. */
const rotaryFactors = /^rope_(freqs|factors_long|factors_short)\.weight$/

/** Where a tensor of Hugging Face's is, and what undoes the change of its values. */
interface Source {
  readonly name: string
  readonly restore: (values: Float32Array) => void
}

/**
 * The tensors of a GGUF file under Hugging Face's names, with the shapes and values that Hugging Face has: what
 * llama.cpp changed in them is undone (as transformers' own GGUF reader does). Factors of the rotary embedding are
 * left out: they belong to the configuration. Close the file through either.
 *
 * @param file A file whose `general.architecture` is llama (so Mistral's too), qwen2, qwen3, gemma2, gemma3, phi3 or
 *   gpt2.
 * @throws CheckpointError if the architecture is another, or a tensor has no counterpart.
 *
 * @example
 * ```ts
 * const weights = huggingFaceWeights(await openGguf('SmolLM2-135M-Instruct.Q4_1.gguf'))
 * const query = await weights.read('model.layers.0.self_attn.q_proj.weight')
 * ```
 */
export function huggingFaceWeights(file: GgufReader): WeightsReader {
  const { name: architectureName, architecture } = architectureOf(file, caller)
  const sources = new Map<string, Source>()
  const tensors = new Map<string, StoredTensor>()
  for (const [name, { dtype, shape }] of file.tensors) {
    if (rotaryFactors.test(name)) continue
    const { translated, change } = translate(name, architecture)
    if (translated === undefined) throw withoutCounterpart(name, architectureName, file)
    if (change === 'head-rows') requireHeads(name, shape, file)
    sources.set(translated, { name, restore: restorer(change, shape, () => headsOf(name, file)) })
    tensors.set(translated, { dtype, shape: change === 'transposed' ? [...shape].reverse() : shape })
  }
  const sourceOf = (name: string): Source => sources.get(name) ?? { name, restore: () => undefined }
  return {
    tensors,
    async readInto(name, destination) {
      const { name: stored, restore } = sourceOf(name)
      await file.readInto(stored, destination)
      restore(destination)
    },
    async read(name) {
      const { name: stored, restore } = sourceOf(name)
      const values = await file.read(stored)
      restore(values)
      return values
    },
    close: () => file.close(),
  }
}

function translate(
  name: string,
  { names, layerPrefix, layerNames, changeOf }: GgufArchitecture,
): { translated?: string; change?: Change | undefined } {
  const [, block, part = '', kind = ''] =
    /^(?:blk\.(0|[1-9]\d{0,5})\.)?(\w+)\.(weight|bias)$/.exec(name) ?? []
  const table = block === undefined ? names : layerNames
  if (!Object.hasOwn(table, part)) return {}
  const layer = block === undefined ? '' : `${layerPrefix}.${block}.`
  return { translated: `${layer}${table[part]!}.${kind}`, change: changeOf(part, kind) }
}

function withoutCounterpart(name: string, architecture: string, file: GgufReader): CheckpointError {
  return new CheckpointError({
    function: caller,
    argument: file.path,
    expected: `a dense model of the architecture ${architecture}`,
    received: `the tensor '${name.slice(0, 80)}'`,
    remedy: 'Choose the safetensors of the same model; mixtures of experts are not supported.',
  })
}

/** The heads of a query or key. */
function headsOf(name: string, { metadata }: GgufReader): number {
  const heads = metadata.get('llama.attention.head_count')
  const keyHeads = metadata.get('llama.attention.head_count_kv') ?? heads
  // What is no number divides no rows, and is refused there.
  return Number(name.includes('.attn_k.') ? keyHeads : heads)
}

/** @throws CheckpointError unless the rows are of whole heads of an even size. */
function requireHeads(name: string, shape: readonly number[], file: GgufReader): void {
  const heads = headsOf(name, file)
  if (heads > 0 && Number.isSafeInteger(heads) && (shape[0] ?? 1) % (2 * heads) === 0) return
  throw new CheckpointError({
    function: caller,
    argument: file.path,
    expected: `a GGUF file whose '${name}' has rows for ${heads} heads of an even size`,
    received: `the shape [${shape.join(', ')}]`,
    remedy: 'The file contradicts its own metadata: choose another.',
  })
}

/** Undoes a change in place. */
function restorer(
  change: Change | undefined,
  shape: readonly number[],
  heads: () => number,
): (values: Float32Array) => void {
  switch (change) {
    case undefined:
      return () => undefined
    case 'head-rows':
      return (values) => restoreRows(values, shape, heads())
    case 'plus-one':
      return (values) => values.forEach((value, index) => (values[index] = value - 1))
    case 'transposed':
      return (values) => transpose(values, shape)
  }
}

/** Each head's rows from pairs (0, half, 1, half + 1, …) back to halves (0, 1, …, half, half + 1, …). */
function restoreRows(values: Float32Array, shape: readonly number[], heads: number): void {
  const columns = sizeOf(shape.slice(1))
  const headRows = (shape[0] ?? 0) / heads
  const half = headRows / 2
  const head = new Float32Array(headRows * columns)
  for (let first = 0; first < values.length; first += head.length) {
    head.set(values.subarray(first, first + head.length))
    for (let row = 0; row < headRows; row++) {
      const from = (row % half) * 2 + Math.floor(row / half)
      values.set(head.subarray(from * columns, (from + 1) * columns), first + row * columns)
    }
  }
}

function transpose(values: Float32Array, shape: readonly number[]): void {
  const [rows = 1, columns = 1] = shape
  const stored = values.slice()
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      values[column * rows + row] = stored[row * columns + column]!
    }
  }
}
