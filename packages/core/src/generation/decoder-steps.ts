import type { Engine, ParameterStore, Program } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import type { KeyValues } from '../blocks/scaled-attention'
import type { DecoderConfig } from '../config/decoder-config'
import { modelFamily } from '../models'
import { createKeyValueCache } from './key-value-cache'
import { cacheTraceSizes } from './trace-sizes'
import type { PromptBatch, StepModel, StepPlan, StepSession } from './step-model'

/** A {@link StepModel} that holds compiled programs. */
export interface CompiledStepModel extends StepModel {
  /** Frees the programs. The weights stay. */
  dispose(): Promise<void>
}

/**
 * A decoder that writes token by token. Keys and values stay in a cache that grows in place: a step computes the new
 * token's alone.
 *
 * @param engine What computes.
 * @param model `store` holds the weights of a causal language model, as they are when it writes first; it is not
 *   disposed of.
 *
 * @example
 * ```ts
 * const model = createDecoderSteps(await getEngine(), { config, store })
 * const [[first]] = await generate(model, [tokenizer.encode('Once upon a time').inputIds], { maxNewTokens: 20 })
 * await model.dispose()
 * ```
 */
export function createDecoderSteps(
  engine: Engine,
  { config, store }: { config: DecoderConfig; store: ParameterStore },
): CompiledStepModel {
  const programs = new Map<boolean, Promise<Program>>()
  const programFor = (hiddenStates: boolean) => {
    const known = programs.get(hiddenStates)
    if (known) return known
    const compiled = compileStep(engine, { config, store, hiddenStates })
    programs.set(hiddenStates, compiled)
    return compiled
  }
  return {
    vocabSize: config.vocabSize,
    isEncoderDecoder: false,
    maxPositions: config.maxPositionEmbeddings,
    start: async (prompts, plan) =>
      startSession(await programFor(plan.hiddenStates), { config, prompts, plan }),
    async dispose() {
      const compiled = [...programs.values()]
      programs.clear()
      for (const program of compiled) await (await program).dispose()
    },
  }
}

const pastName = (index: number) => `past.${index}`
const presentName = (index: number) => `present.${index}`

/** One step: the last token's scores, and the keys and values of the new tokens. */
function compileStep(
  engine: Engine,
  { config, store, hiddenStates }: { config: DecoderConfig; store: ParameterStore; hiddenStates: boolean },
): Promise<Program> {
  const family = modelFamily(config.modelType)
  const { layers, heads, headSize } = family.cacheShape(config)
  const arrays = Array.from({ length: 2 * layers }, (_, index) => index)
  const run = { config, training: false }
  return engine.compile(
    ({ inputs, parameters }) => {
      const past: KeyValues[] = Array.from({ length: layers }, (_, layer) => ({
        key: inputs[pastName(2 * layer)]!,
        value: inputs[pastName(2 * layer + 1)]!,
      }))
      const tokens = {
        inputIds: inputs.inputIds!,
        attentionMask: inputs.attentionMask!,
        past,
        joinsPast: false,
      }
      const { hidden, present } = family.backbone(parameters, tokens, run)
      const [batch, sequence, size] = hidden.shape as [number, number, number]
      const last = tf.reshape(tf.slice(hidden, [0, sequence - 1, 0], [batch, 1, size]), [batch, size])
      const own = present.flatMap(({ key, value }) => [key, value])
      return {
        scores: family.languageModelHead(parameters, last, run),
        ...(hiddenStates && { hidden }),
        ...Object.fromEntries(own.map((tensor, index) => [presentName(index), tensor])),
      }
    },
    {
      inputs: {
        inputIds: { shape: ['batch', 'sequence'], dtype: 'int32' },
        attentionMask: { shape: ['batch', 'total'], dtype: 'int32' },
        ...Object.fromEntries(
          arrays.map((index) => [pastName(index), { shape: ['batch', heads, 'past', headSize] }]),
        ),
      },
      parameters: store,
      packParameters: true,
      traceSizes: cacheTraceSizes,
    },
  )
}

async function startSession(
  program: Program,
  { config, prompts, plan }: { config: DecoderConfig; prompts: PromptBatch; plan: StepPlan },
): Promise<StepSession> {
  const { layers, heads, headSize } = modelFamily(config.modelType).cacheShape(config)
  const cache = createKeyValueCache(prompts.rows, { arrays: 2 * layers, heads, headSize })

  // One buffer serves every step: what it holds is read before the next.
  let scores = new Float32Array(0)

  const run = async (inputIds: Int32Array, mask: Int32Array, rows: number) => {
    const sequence = inputIds.length / rows
    const past = cache.tensors().map((tensor, index) => [pastName(index), tensor] as const)
    if (scores.length < rows * config.vocabSize) scores = new Float32Array(rows * config.vocabSize)
    const results = await program.run(
      {
        inputIds: { dtype: 'int32', shape: [rows, sequence], data: inputIds },
        attentionMask: cache.mask(mask),
        ...Object.fromEntries(past),
      },
      { outputs: { scores } },
    )
    const added = past.map((_, index) => results[presentName(index)]!.data as Float32Array)
    cache.append(added, mask)
    return {
      scores: results.scores!.data as Float32Array,
      hidden: results.hidden?.data as Float32Array | undefined,
    }
  }

  const first = await run(prompts.inputIds, prompts.attentionMask, prompts.rows)
  let last: Float32Array | undefined
  return {
    scores: first.scores,
    ...(plan.hiddenStates &&
      first.hidden && {
        hiddenStates: { hiddenSize: config.hiddenSize, prompt: first.hidden, last: () => last! },
      }),
    async next(tokens, rows) {
      cache.select(rows)
      const result = await run(tokens, new Int32Array(tokens.length).fill(1), tokens.length)
      last = result.hidden
      return result.scores
    },
    dispose: () => undefined,
  }
}
