import { ArgumentError } from '@tfx/common'
import type { ParameterSpecs } from '../blocks/parameters'
import type { ModelConfig, ModelType } from '../config/model-config'
import type { Ia3Adapter, LoraAdapter } from './adapter'

/** A linear layer that is adapted. */
export interface AdapterTarget {
  /** Its Hugging Face name. */
  readonly name: string
  readonly inputs: number
  readonly outputs: number
  /** The weight is [inputs, outputs], as GPT-2 stores it. */
  readonly isTransposed: boolean
  /** With IA³: its input is scaled, not its output. */
  readonly scalesInput: boolean
}

const bertLike = ['query', 'value']
const projections = ['q_proj', 'v_proj']

/** What PEFT adapts without being told (its `constants.py`); where it has no entry, the same projections. */
const loraTargets: Readonly<Partial<Record<ModelType, readonly string[]>>> = {
  albert: bertLike,
  bart: projections,
  bert: bertLike,
  'deberta-v2': ['query_proj', 'value_proj'],
  distilbert: ['q_lin', 'v_lin'],
  electra: bertLike,
  gemma2: projections,
  gemma3_text: projections,
  gpt2: ['c_attn'],
  llama: projections,
  m2m_100: projections,
  marian: projections,
  mbart: projections,
  mistral: projections,
  modernbert: ['Wqkv'],
  mpnet: ['attn.q', 'attn.v'],
  mt5: ['q', 'v'],
  pegasus: projections,
  phi3: ['qkv_proj'],
  qwen2: projections,
  qwen3: projections,
  roberta: bertLike,
  t5: ['q', 'v'],
  'xlm-roberta': bertLike,
}

interface Ia3Targets {
  readonly targets: readonly string[]
  readonly feedForward: readonly string[]
}

const bertScales: Ia3Targets = { targets: ['key', 'value', 'output.dense'], feedForward: ['output.dense'] }
const llamaScales: Ia3Targets = { targets: ['k_proj', 'v_proj', 'down_proj'], feedForward: ['down_proj'] }
const qwenScales: Ia3Targets = { targets: ['q_proj', 'v_proj', 'down_proj'], feedForward: ['down_proj'] }

/** What PEFT scales without being told, architecture by architecture. */
const ia3Targets: Readonly<Partial<Record<ModelType, Ia3Targets>>> = {
  bart: { targets: ['q_proj', 'v_proj', 'fc2'], feedForward: ['fc2'] },
  bert: bertScales,
  'deberta-v2': { targets: ['key_proj', 'value_proj', 'output.dense'], feedForward: ['output.dense'] },
  gemma2: qwenScales,
  gemma3_text: qwenScales,
  gpt2: { targets: ['c_attn', 'mlp.c_proj'], feedForward: ['mlp.c_proj'] },
  llama: llamaScales,
  mistral: llamaScales,
  mt5: { targets: ['k', 'v', 'wi_1'], feedForward: [] },
  qwen2: qwenScales,
  qwen3: qwenScales,
  roberta: bertScales,
  t5: { targets: ['k', 'v', 'wo'], feedForward: ['wo'] },
}

/** The names that an adapter's targets have, with the architecture's where it says none. */
export function targetNames(
  adapter: LoraAdapter | Ia3Adapter,
  { modelType }: Pick<ModelConfig, 'modelType'>,
): Ia3Targets {
  const own = adapter.method === 'ia3' ? ia3Targets[modelType] : undefined
  const targets =
    adapter.targets ?? own?.targets ?? (adapter.method === 'lora' ? loraTargets[modelType] : undefined)
  if (targets === undefined) throw noTargets(adapter.method, `'${modelType}', of which none are known`)
  const given = adapter.method === 'ia3' ? adapter.feedForwardTargets : undefined
  return { targets, feedForward: given ?? (adapter.targets === undefined ? (own?.feedForward ?? []) : []) }
}

/**
 * The layers of a model that an adapter changes.
 *
 * @param specs Every parameter of the model.
 * @throws ArgumentError if the architecture's targets are not known, or none of the targets is a layer of the model.
 */
export function adapterTargets(
  adapter: LoraAdapter | Ia3Adapter,
  config: Pick<ModelConfig, 'modelType'>,
  specs: ParameterSpecs,
): AdapterTarget[] {
  const { targets, feedForward } = targetNames(adapter, config)
  const isOneOf = (name: string, ends: readonly string[]) =>
    ends.some((end) => name === end || name.endsWith(`.${end}`))
  const isTransposed = config.modelType === 'gpt2'
  const found = Object.entries(specs).flatMap(([parameter, { shape }]): AdapterTarget[] => {
    const name = parameter.replace(/\.weight$/, '')
    if (name === parameter || shape.length !== 2 || !isOneOf(name, targets)) return []
    const [rows, columns] = shape as [number, number]
    const [outputs, inputs] = isTransposed ? [columns, rows] : [rows, columns]
    return [{ name, inputs, outputs, isTransposed, scalesInput: isOneOf(name, feedForward) }]
  })
  if (found.length === 0)
    throw noTargets(adapter.method, `${targets.join(', ')}, which the model does not have`)
  return found
}

function noTargets(method: 'lora' | 'ia3', received: string): ArgumentError {
  return new ArgumentError({
    function: method,
    argument: 'targets',
    expected: 'names of linear layers of the model, or their ends',
    received,
    remedy:
      "Name them: the last parts of the weights' names in model.safetensors, for instance { targets: ['query', 'value'] }.",
  })
}
