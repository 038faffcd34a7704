import type { ConfigJson } from '../config/config-fields'
import { architectureOf } from './architectures'
import { metadataError, numberOf, required, textOf } from './metadata'
import type { GgufReader } from './read'

/**
 * The config.json of a GGUF file, from its metadata and the factors of its rotary embedding, as transformers'
 * `from_pretrained(…, gguf_file=…)` makes one. Beyond it, the file's own word is taken for head sizes, windows, soft
 * caps and rotary scaling, where transformers takes the defaults of one checkpoint; and the scale of Gemma's
 * attention follows the rule of llama.cpp, since no key has it.
 *
 * @throws CheckpointError if the architecture is not supported (it lists which are), or the metadata lacks a size, or
 *   asks for what tfx does not compute.
 */
export async function ggufConfig(file: GgufReader): Promise<ConfigJson> {
  const { name } = architectureOf(file, 'loadCheckpoint')
  const embedding = file.tensors.get('token_embd.weight')
  if (embedding === undefined) {
    throw metadataError(file, { key: 'token_embd.weight', expected: 'a tensor', received: undefined })
  }
  const tokenId = (role: string) => numberOf(file, `tokenizer.ggml.${role}_token_id`) ?? null
  return {
    vocab_size: embedding.shape[0],
    tie_word_embeddings: !file.tensors.has('output.weight'),
    bos_token_id: tokenId('bos'),
    eos_token_id: tokenId('eos'),
    pad_token_id: tokenId('padding'),
    ...(name === 'gpt2' ? gpt2Fields(file) : await rotaryFields(file, name)),
  }
}

/** Every layer has tensors: a forged number would make as many layers. */
function layersOf(file: GgufReader, architecture: string): number {
  const key = `${architecture}.block_count`
  const layers = required(numberOf, file, key)
  if (layers <= file.tensors.size) return layers
  throw metadataError(file, {
    key,
    expected: `at most the ${file.tensors.size} tensors of the file`,
    received: layers,
  })
}

function gpt2Fields(file: GgufReader): ConfigJson {
  const size = (key: string) => required(numberOf, file, `gpt2.${key}`)
  return {
    model_type: 'gpt2',
    n_positions: size('context_length'),
    n_embd: size('embedding_length'),
    n_layer: layersOf(file, 'gpt2'),
    n_head: size('attention.head_count'),
    n_inner: size('feed_forward_length'),
    layer_norm_epsilon: size('attention.layer_norm_epsilon'),
  }
}

async function rotaryFields(file: GgufReader, architecture: string): Promise<ConfigJson> {
  const optional = (key: string) => numberOf(file, `${architecture}.${key}`)
  const size = (key: string) => required(numberOf, file, `${architecture}.${key}`)
  const hiddenSize = size('embedding_length')
  const heads = size('attention.head_count')
  const turned = optional('rope.dimension_count')
  const isPhi = architecture === 'phi3'
  const headSize = optional('attention.key_length') ?? (isPhi ? undefined : turned) ?? hiddenSize / heads
  const window = windowOf(optional('attention.sliding_window'))
  const layers = layersOf(file, architecture)
  return {
    model_type: modelTypeOf(file, { architecture, window }),
    hidden_size: hiddenSize,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: optional('attention.head_count_kv') ?? heads,
    head_dim: headSize,
    intermediate_size: size('feed_forward_length'),
    max_position_embeddings: size('context_length'),
    rms_norm_eps: size('attention.layer_norm_rms_epsilon'),
    rope_theta: optional('rope.freq_base') ?? 10_000,
    // Qwen's window is not in use unless a switch says so, which GGUF does not have.
    ...(!architecture.startsWith('qwen') && { sliding_window: window ?? null }),
    ...(architecture === 'llama' && {
      attention_bias: file.tensors.has('blk.0.attn_q.bias'),
      mlp_bias: file.tensors.has('blk.0.ffn_up.bias'),
    }),
    ...(architecture.startsWith('gemma') && {
      attn_logit_softcapping: optional('attn_logit_softcapping'),
      final_logit_softcapping: optional('final_logit_softcapping'),
      query_pre_attn_scalar: isGemma27B(architecture, layers) ? hiddenSize / heads : headSize,
      rope_local_base_freq: optional('rope.freq_base_swa'),
    }),
    ...(isPhi && turned !== undefined && { partial_rotary_factor: turned / headSize }),
    ...(await rotaryScaling(file, architecture)),
  }
}

/** 0 means none. */
const windowOf = (size: number | undefined) => (size === 0 ? undefined : size)

/** A Mistral is a `llama` to llama.cpp; only its name, or a window, tells. */
function modelTypeOf(
  file: GgufReader,
  { architecture, window }: { architecture: string; window: number | undefined },
): string {
  if (architecture === 'gemma3') return 'gemma3_text'
  const isMistral = window !== undefined || /mistral/i.test(textOf(file, 'general.name') ?? '')
  return architecture === 'llama' && isMistral ? 'mistral' : architecture
}

/** The one size of each Gemma whose scores are scaled by the hidden size. */
function isGemma27B(architecture: string, layers: number): boolean {
  return layers === (architecture === 'gemma2' ? 46 : 62)
}

/** Keys of YaRN that Hugging Face spells in other units. */
const refusedScaling = ['attn_factor', 'yarn_attn_factor', 'yarn_ext_factor', 'yarn_log_multiplier']

/**
 * The `rope_scaling`. A Llama 3.1 has a factor for each wavelength instead of the numbers that they come from:
 * LongRoPE, where short and long texts have the same factors, computes the same.
 */
async function rotaryScaling(file: GgufReader, architecture: string): Promise<ConfigJson> {
  const prefix = `${architecture}.rope.scaling`
  const number = (key: string) => numberOf(file, `${prefix}.${key}`)
  const factors = async (name: string) => [...(await file.read(`${name}.weight`))]
  if (file.tensors.has('rope_freqs.weight')) {
    const same = await factors('rope_freqs')
    const longrope = { rope_type: 'longrope', short_factor: same, long_factor: same, attention_factor: 1 }
    return { rope_scaling: longrope }
  }
  const original = number('original_context_length')
  if (file.tensors.has('rope_factors_long.weight')) {
    const scaling = {
      rope_type: 'longrope',
      short_factor: await factors('rope_factors_short'),
      long_factor: await factors('rope_factors_long'),
      attention_factor: number('attn_factor'),
    }
    return { original_max_position_embeddings: original, rope_scaling: scaling }
  }
  const type = textOf(file, `${prefix}.type`) ?? 'none'
  if (type === 'none') return {}
  const unit = refusedScaling.find((key) => file.metadata.has(`${prefix}.${key}`))
  if ((type !== 'linear' && type !== 'yarn') || unit !== undefined) {
    throw metadataError(file, {
      key: unit === undefined ? `${prefix}.type` : `${prefix}.${unit}`,
      expected: unit === undefined ? 'none, linear or yarn' : 'a file without it',
      received: unit === undefined ? type : number(unit),
    })
  }
  return {
    rope_scaling: {
      rope_type: type,
      factor: required(numberOf, file, `${prefix}.factor`),
      ...(type === 'yarn' && { original_max_position_embeddings: original }),
    },
  }
}
