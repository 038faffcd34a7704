import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError, writeDirectory } from '@tfx/common'
import { openSafetensors, writeSafetensors } from '../safetensors'
import {
  ia3,
  type Ia3Adapter,
  lora,
  type LoraAdapter,
  loraScaling,
  type PromptAdapter,
  promptTuning,
} from './adapter'
import { type AdaptedModel, adapterSpecs, type ReadParameter } from './adapter-parameters'
import { promptName } from './prompt'
import { targetNames } from './targets'

/** An adapter with files of its own. */
type SavedAdapter = LoraAdapter | Ia3Adapter | PromptAdapter

/** What PEFT puts in front of a parameter's name: one part more where it wraps the model's layers, none for a prompt. */
function savedName({ method }: SavedAdapter, name: string): string {
  if (name === promptName) return name
  return `${method === 'prompt' ? 'base_model.' : 'base_model.model.'}${name}`
}

/** What {@link saveAdapter} writes. */
export interface AdapterContents extends AdaptedModel {
  /** BitFit has no file of its own: its model is saved as a whole. */
  readonly adapter: SavedAdapter
  /** The names of the head's parameters, which are saved with it. */
  readonly head: readonly string[]
  /** Gives the parameters of adapter and head. */
  readonly read: ReadParameter
  /** PEFT's `task_type`, for instance `SEQ_CLS`. */
  readonly taskType?: string
  /** Where PEFT finds the base: a hub id or a directory. */
  readonly baseModel?: string
}

/**
 * Saves an adapter in PEFT's format: adapter_config.json and adapter_model.safetensors.
 *
 * @param options `overwrite`: replace an adapter that is there. Default false.
 * @throws FileSystemError if the directory is not empty, or cannot be written.
 *
 * @example
 * ```ts
 * await saveAdapter('./my-adapter', { adapter: lora(), config, specs, head: ['classifier.weight'], read })
 * ```
 */
export async function saveAdapter(
  directory: string,
  contents: AdapterContents,
  { overwrite = false, caller = 'saveAdapter' }: { overwrite?: boolean; caller?: string } = {},
): Promise<void> {
  const { adapter, specs, head, read } = contents
  const added = Object.entries(adapterSpecs(adapter, contents)).filter(([, { isFixed }]) => isFixed !== true)
  const own = head.map((name) => [name, specs[name]!] as const)
  const tensors = [...added, ...own].map(([name, { shape }]) => ({
    name: savedName(adapter, name),
    shape,
    dtype: 'F32' as const,
    data: () => read(name),
  }))
  const write = async (temporary: string) => {
    await writeSafetensors(join(temporary, 'adapter_model.safetensors'), tensors)
    const json = `${JSON.stringify(formatAdapter(contents), undefined, 2)}\n`
    await writeFile(join(temporary, 'adapter_config.json'), json)
  }
  await writeDirectory(directory, write, { caller, overwrite, marker: 'adapter_config.json' })
}

function formatAdapter(contents: AdapterContents): object {
  const { adapter, config, head, taskType, baseModel } = contents
  if (adapter.method === 'prompt') return formatPrompt(adapter, contents)
  const { targets, feedForward } = targetNames(adapter, config)
  const common = {
    base_model_name_or_path: baseModel ?? null,
    task_type: taskType ?? null,
    target_modules: targets,
    modules_to_save: modulesOf(head),
    fan_in_fan_out: config.modelType === 'gpt2',
    inference_mode: true,
  }
  if (adapter.method === 'ia3') return { peft_type: 'IA3', ...common, feedforward_modules: feedForward }
  const { rank, alpha, rankStabilized, decomposed } = adapter
  const own = { r: rank, lora_alpha: alpha, use_rslora: rankStabilized, use_dora: decomposed }
  return { peft_type: 'LORA', ...common, ...own, lora_dropout: 0, bias: 'none', init_lora_weights: true }
}

/** Fields that PEFT wants, though a prompt needs none of them, are null. */
function formatPrompt(adapter: PromptAdapter, contents: AdapterContents): object {
  const { head, taskType, baseModel } = contents
  const { shape } = adapterSpecs(adapter, contents)[promptName]!
  return {
    peft_type: 'PROMPT_TUNING',
    base_model_name_or_path: baseModel ?? null,
    task_type: taskType ?? null,
    num_virtual_tokens: adapter.virtualTokens,
    token_dim: shape[1],
    num_transformer_submodules: 1,
    num_attention_heads: null,
    num_layers: null,
    prompt_tuning_init: 'RANDOM',
    modules_to_save: modulesOf(head),
    inference_mode: true,
  }
}

/** The modules of some parameters; null for none. */
function modulesOf(names: readonly string[]): string[] | null {
  const modules = [...new Set(names.map((name) => name.replace(/\.[^.]*$/, '')))]
  return modules.length > 0 ? modules : null
}

/** An adapter that was read from files. */
export interface LoadedAdapter {
  readonly adapter: SavedAdapter
  /** What the file says of its base, if anything. */
  readonly baseModel: string | undefined
  /** Its parameters by name, `lora_scaling` and those of the head included. */
  readonly tensors: ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>
}

/**
 * Reads an adapter that {@link saveAdapter} or PEFT wrote.
 *
 * @throws CheckpointError if a file is missing or broken, or says something that would change the numbers and is not
 *   supported here: another method, ranks by pattern, trained biases.
 *
 * @example
 * ```ts
 * const { adapter, tensors } = await loadAdapter('./my-adapter')
 * ```
 */
export async function loadAdapter(directory: string): Promise<LoadedAdapter> {
  const json = await readConfigFile(directory)
  const adapter = parseAdapter(directory, json)
  const file = await openSafetensors(join(directory, 'adapter_model.safetensors'))
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>()
  try {
    for (const [name, { shape }] of file.tensors) {
      const own = name.replace(adapter.method === 'prompt' ? /^base_model\./ : /^base_model\.model\./, '')
      const values = await file.read(name)
      tensors.set(own, own === promptName ? firstRows(adapter, { shape, values }) : { shape, values })
    }
  } finally {
    await file.close()
  }
  for (const name of [...tensors.keys()]) {
    if (!name.endsWith('.lora_A.weight') || adapter.method !== 'lora') continue
    const scaling = { shape: [], values: Float32Array.of(loraScaling(adapter)) }
    tensors.set(name.replace(/lora_A\.weight$/, 'lora_scaling'), scaling)
  }
  const base = json.base_model_name_or_path
  return { adapter, baseModel: typeof base === 'string' && base !== '' ? base : undefined, tensors }
}

/** The prompt itself: for an encoder-decoder PEFT stores rows for the decoder too, and does not use them. */
function firstRows(
  adapter: SavedAdapter,
  { shape, values }: { shape: readonly number[]; values: Float32Array },
): { shape: readonly number[]; values: Float32Array } {
  const [count = 0, size = 0] = shape
  const rows = adapter.method === 'prompt' ? Math.min(count, adapter.virtualTokens) : count
  return { shape: [rows, size], values: values.slice(0, rows * size) }
}

type Json = Readonly<Record<string, unknown>>

async function readConfigFile(directory: string): Promise<Json> {
  try {
    const json: unknown = JSON.parse(await readFile(join(directory, 'adapter_config.json'), 'utf8'))
    if (typeof json === 'object' && json !== null) return json as Json
    throw new Error('not an object')
  } catch (cause) {
    throw refuse(directory, {
      expected: 'an adapter_config.json that is an object',
      received: 'none that can be read',
      remedy: 'Name the directory that saveAdapter, or PEFT, wrote.',
      cause,
    })
  }
}

/** Fields that would change the numbers, and the values at which they do not. */
const neutral: Readonly<Record<string, readonly unknown[]>> = {
  bias: ['none', null],
  rank_pattern: ['{}', null],
  alpha_pattern: ['{}', null],
  lora_bias: [false, null],
  use_qalora: [false, null],
  alora_invocation_tokens: [null],
  layer_replication: [null],
  trainable_token_indices: [null],
  target_parameters: ['[]', null],
}

function parseAdapter(directory: string, json: Json): SavedAdapter {
  const method = json.peft_type
  if (method === 'PROMPT_TUNING') return parsePrompt(directory, json)
  if (method !== 'LORA' && method !== 'IA3') {
    throw refuse(directory, {
      expected: "a peft_type of 'LORA', 'IA3' or 'PROMPT_TUNING'",
      received: JSON.stringify(method),
    })
  }
  for (const [name, allowed] of Object.entries(neutral)) {
    const value = json[name] ?? null
    const plain: unknown = typeof value === 'object' && value !== null ? JSON.stringify(value) : value
    if (!allowed.includes(plain)) throw refuse(directory, { expected: `no ${name}`, received: String(plain) })
  }
  const targets = namesOf(directory, json, 'target_modules')
  if (method === 'IA3')
    return ia3({ targets, feedForwardTargets: namesOf(directory, json, 'feedforward_modules') })
  const { r: rank, lora_alpha: alpha } = json
  if (typeof rank !== 'number' || typeof alpha !== 'number')
    throw refuse(directory, { expected: 'numbers r and lora_alpha', received: 'none' })
  return lora({
    rank,
    alpha,
    rankStabilized: json.use_rslora === true,
    decomposed: json.use_dora === true,
    targets,
  })
}

function parsePrompt(directory: string, { num_virtual_tokens: virtualTokens }: Json): PromptAdapter {
  if (typeof virtualTokens === 'number') return promptTuning({ virtualTokens })
  const received = JSON.stringify(virtualTokens)
  throw refuse(directory, { expected: 'a number num_virtual_tokens', received })
}

function namesOf(directory: string, json: Json, field: string): string[] {
  const value = json[field]
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value
  throw refuse(directory, { expected: `a list of names as ${field}`, received: JSON.stringify(value) })
}

function refuse(
  directory: string,
  {
    expected,
    received,
    remedy = 'Merge it into its base with PEFT (merge_and_unload) and load the merged model instead.',
    cause,
  }: { expected: string; received: string; remedy?: string; cause?: unknown },
): CheckpointError {
  return new CheckpointError({
    function: 'loadAdapter',
    argument: 'directory',
    expected: `a PEFT adapter with ${expected}`,
    received: `${received} in '${directory}'`,
    remedy,
    ...(cause === undefined ? {} : { cause }),
  })
}
