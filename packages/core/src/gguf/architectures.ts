import { CheckpointError } from '@tfx/common'
import { textOf, type GgufFacts } from './metadata'

/**
 * What llama.cpp has done to the values of a tensor: it reorders the rows of a Llama's queries and keys within each
 * head for its rotary embedding, adds 1 to the norms of Gemma, and transposes the weights of GPT-2.
 */
export type Change = 'head-rows' | 'plus-one' | 'transposed'

/** How llama.cpp writes the models of one `general.architecture`. */
export interface GgufArchitecture {
  /** llama.cpp → Hugging Face, outside the layers. */
  readonly names: Readonly<Record<string, string>>
  /** What Hugging Face's names in a layer start with, before its number. */
  readonly layerPrefix: string
  /** llama.cpp → Hugging Face, within a layer. */
  readonly layerNames: Readonly<Record<string, string>>
  /** How the values of a tensor were changed, by llama.cpp's name of it without the layer. */
  readonly changeOf: (part: string, kind: string) => Change | undefined
}

const names = { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' }

const layerNames = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
}

const headNorms = { attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' }

const gemmaNorms = {
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
}

const likeLlama: GgufArchitecture = {
  names,
  layerPrefix: 'model.layers',
  layerNames,
  changeOf: () => undefined,
}

const isNorm = (part: string) => part.endsWith('norm')

/** Llama 1 to 3, SmolLM2, TinyLlama and Mistral are all `llama`. */
const architectures: Readonly<Record<string, GgufArchitecture>> = {
  llama: {
    ...likeLlama,
    changeOf: (part) => (part === 'attn_q' || part === 'attn_k' ? 'head-rows' : undefined),
  },
  qwen2: likeLlama,
  qwen3: { ...likeLlama, layerNames: { ...layerNames, ...headNorms } },
  gemma2: {
    ...likeLlama,
    layerNames: { ...layerNames, ...gemmaNorms },
    changeOf: (part) => (isNorm(part) ? 'plus-one' : undefined),
  },
  gemma3: {
    ...likeLlama,
    layerNames: { ...layerNames, ...gemmaNorms, ...headNorms },
    changeOf: (part) => (isNorm(part) ? 'plus-one' : undefined),
  },
  phi3: {
    ...likeLlama,
    layerNames: { ...layerNames, attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' },
  },
  gpt2: {
    names: {
      token_embd: 'transformer.wte',
      position_embd: 'transformer.wpe',
      output_norm: 'transformer.ln_f',
      output: 'lm_head',
    },
    layerPrefix: 'transformer.h',
    layerNames: {
      attn_norm: 'ln_1',
      attn_qkv: 'attn.c_attn',
      attn_output: 'attn.c_proj',
      ffn_norm: 'ln_2',
      ffn_up: 'mlp.c_fc',
      ffn_down: 'mlp.c_proj',
    },
    changeOf: (part, kind) =>
      kind === 'weight' && /^(attn_qkv|attn_output|ffn_up|ffn_down)$/.test(part) ? 'transposed' : undefined,
  },
}

/**
 * The architecture of a GGUF file.
 *
 * @param caller The public function, for errors.
 * @throws CheckpointError if it is not one of those whose names are known, which it lists.
 */
export function architectureOf(
  file: GgufFacts,
  caller: string,
): { name: string; architecture: GgufArchitecture } {
  const name = textOf(file, 'general.architecture') ?? ''
  if (Object.hasOwn(architectures, name)) return { name, architecture: architectures[name]! }
  throw new CheckpointError({
    function: caller,
    argument: file.path,
    expected: `a GGUF file of one of the architectures ${Object.keys(architectures).join(', ')}`,
    received: name === '' ? 'none' : `'${name.slice(0, 80)}'`,
    remedy: 'Choose the safetensors of the same model.',
  })
}
