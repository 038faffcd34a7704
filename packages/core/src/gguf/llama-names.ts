import { CheckpointError, sizeOf } from '@tfx/common'
import type { StoredTensor, WeightsReader } from '../weights'
import type { GgufReader } from './read'

const caller = 'huggingFaceWeights'

/** Architectures whose names are known. Llama 1–3, SmolLM2, TinyLlama and Mistral are `llama`. */
const supportedArchitectures = ['llama']

/** llama.cpp → Hugging Face, outside the layers. */
const names: ReadonlyMap<string, string> = new Map([
  ['token_embd', 'model.embed_tokens'],
  ['output_norm', 'model.norm'],
  ['output', 'lm_head'],
])

/** llama.cpp → Hugging Face, within a layer. */
const layerNames: ReadonlyMap<string, string> = new Map([
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['ffn_norm', 'post_attention_layernorm'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
])

/** Where a tensor of Hugging Face's is, and the heads whose rows llama.cpp has reordered. */
interface Source {
  readonly name: string
  readonly heads?: number
}

/**
 * The tensors of a GGUF file under Hugging Face's names, with the values that Hugging Face has: llama.cpp reorders
 * the rows of the query and key weights of a Llama for its rotary embedding, and this undoes it (as transformers'
 * own GGUF reader does). Frequencies of the rotary embedding are left out: config.json has them. Close the file
 * through either.
 *
 * @param file A file whose `general.architecture` is `llama`.
 * @throws CheckpointError if the architecture is another, or a tensor has no counterpart.
 *
 * @example
 * ```ts
 * const weights = huggingFaceWeights(await openGguf('SmolLM2-135M-Instruct.Q4_1.gguf'))
 * const query = await weights.read('model.layers.0.self_attn.q_proj.weight')
 * ```
 */
export function huggingFaceWeights(file: GgufReader): WeightsReader {
  const architecture = file.metadata.get('general.architecture')
  if (typeof architecture !== 'string' || !supportedArchitectures.includes(architecture)) {
    throw new CheckpointError({
      function: caller,
      argument: file.path,
      expected: `a GGUF file of one of the architectures ${supportedArchitectures.join(', ')}`,
      received: typeof architecture === 'string' ? `'${architecture.slice(0, 80)}'` : 'none',
      remedy: 'Choose the safetensors of the same model.',
    })
  }
  const sources = new Map<string, Source>()
  const tensors = new Map<string, StoredTensor>()
  for (const [name, { dtype, shape }] of file.tensors) {
    if (name === 'rope_freqs.weight') continue
    const [translated, source] = translate(name, file)
    requireHeads(name, { shape, ...source }, file)
    sources.set(translated, source)
    tensors.set(translated, { dtype, shape })
  }
  const readInto = async (name: string, destination: Float32Array) => {
    const { name: stored, heads } = sources.get(name) ?? { name }
    await file.readInto(stored, destination)
    if (heads !== undefined) restoreRows(destination, tensors.get(name)!.shape, heads)
  }
  return {
    tensors,
    readInto,
    async read(name) {
      const { name: stored, heads } = sources.get(name) ?? { name }
      const values = await file.read(stored)
      if (heads !== undefined) restoreRows(values, tensors.get(name)!.shape, heads)
      return values
    },
    close: () => file.close(),
  }
}

function translate(name: string, file: GgufReader): readonly [string, Source] {
  const [, block, part = '', kind = ''] =
    /^(?:blk\.(0|[1-9]\d{0,5})\.)?(\w+)\.(weight|bias)$/.exec(name) ?? []
  const translated = block === undefined ? names.get(part) : layerNames.get(part)
  if (translated === undefined) {
    throw new CheckpointError({
      function: caller,
      argument: file.path,
      expected: 'a dense Llama',
      received: `the tensor '${name.slice(0, 80)}'`,
      remedy: 'Choose the safetensors of the same model; mixtures of experts are not supported.',
    })
  }
  if (block === undefined) return [`${translated}.${kind}`, { name }]
  const target = `model.layers.${block}.${translated}.${kind}`
  const heads = headsOf(part, file)
  return [target, heads === undefined ? { name } : { name, heads }]
}

/** The heads of a query or key weight; undefined for what is not reordered. */
function headsOf(part: string, { metadata }: GgufReader): number | undefined {
  if (part !== 'attn_q' && part !== 'attn_k') return undefined
  const heads = metadata.get('llama.attention.head_count')
  const keyHeads = metadata.get('llama.attention.head_count_kv') ?? heads
  // What is no number divides no rows, and is refused there.
  return Number(part === 'attn_k' ? keyHeads : heads)
}

/** @throws CheckpointError unless the rows are of whole heads of an even size. */
function requireHeads(
  name: string,
  { shape, heads }: { shape: readonly number[]; heads?: number },
  file: GgufReader,
): void {
  if (
    heads === undefined ||
    (heads > 0 && Number.isSafeInteger(heads) && (shape[0] ?? 1) % (2 * heads) === 0)
  )
    return
  throw new CheckpointError({
    function: caller,
    argument: file.path,
    expected: `a GGUF file whose '${name}' has rows for ${heads} heads of an even size`,
    received: `the shape [${shape.join(', ')}]`,
    remedy: 'The file contradicts its own metadata: choose another.',
  })
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
