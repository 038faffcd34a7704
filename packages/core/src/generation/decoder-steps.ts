import type { Engine, ParameterStore } from '@tfx/backend'
import { promptName, withPromptAt } from '../adapters/prompt'
import type { DecoderConfig } from '../config/decoder-config'
import { modelFamily } from '../models'
import {
  type CachedStep,
  type CompiledStepModel,
  compileCachedStep,
  type InferencePrecision,
  programMemory,
  startCachedSession,
} from './cached-steps'
import { stepTraceSizes } from './trace-sizes'

/**
 * A decoder that writes token by token. Keys and values stay in a cache that grows in place: a step computes the new
 * token's alone. A learned prompt in the store is read in front of every text, and takes the places of tokens.
 *
 * @param engine What computes.
 * @param model `store` holds the weights of a causal language model, as they are when it writes first; it is not
 *   disposed of. `precision`: what it computes with, default float32.
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
  {
    config,
    store,
    precision,
  }: { config: DecoderConfig; store: ParameterStore; precision?: InferencePrecision | undefined },
): CompiledStepModel {
  const family = modelFamily(config.modelType)
  const run = { config, training: false }
  const virtualTokens = store.shapes[promptName]?.[0] ?? 0
  const step: CachedStep = {
    store,
    precision,
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    cache: family.cacheShape(config),
    traceSizes: stepTraceSizes,
    shortLength: shortLengthOf(config),
    virtualTokens,
    compute(parameters, { inputIds, attentionMask, promptPlaces }, past) {
      const tokens = { inputIds: inputIds!, attentionMask: attentionMask!, past, pastHasRoom: true }
      const read = promptPlaces ? withPromptAt(parameters, tokens, promptPlaces) : tokens
      return family.backbone(parameters, read, run)
    },
    head: (parameters, hidden) => family.languageModelHead(parameters, hidden, run),
  }
  const programs = programMemory()
  return {
    vocabSize: config.vocabSize,
    isEncoderDecoder: false,
    maxPositions: config.maxPositionEmbeddings - virtualTokens,
    async start(first, { hiddenStates }) {
      const compile = () => compileCachedStep(engine, step, hiddenStates)
      return startCachedSession(await programs.once(`step ${hiddenStates}`, compile), step, { first })
    },
    dispose: () => programs.dispose(),
  }
}

/** Phi-3's texts beyond the original positions have other factors of LongRoPE, from their first token on. */
function shortLengthOf(config: DecoderConfig): number | undefined {
  if (config.modelType !== 'phi3') return undefined
  const { type, originalMaxPositionEmbeddings } = config.rope.full_attention
  return type === 'longrope' ? originalMaxPositionEmbeddings : undefined
}
