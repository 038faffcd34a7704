import type { Engine, ParameterStore } from '@tfx/backend'
import type { FurtherParameters, StepProgram } from '../adapters/further-parameters'
import { virtualTokensOf, withPromptAt } from '../adapters/prompt'
import type { DecoderConfig } from '../config/decoder-config'
import { modelFamily } from '../models'
import {
  type CachedStep,
  cacheSizes,
  type CompiledStepModel,
  compileCachedStep,
  createStepRunner,
  type InferencePrecision,
  startCachedSession,
} from './cached-steps'
import { type ProgramMemory, programMemory } from './program-memory'
import type { StepModel } from './step-model'
import { createStepGroup, type StepGroup } from './step-group'
import { stepTraceSizes } from './trace-sizes'

interface Model {
  readonly config: DecoderConfig
  readonly store: ParameterStore
  readonly precision?: InferencePrecision | undefined
}

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
export function createDecoderSteps(engine: Engine, model: Model): CompiledStepModel {
  const programs = programMemory()
  const adapted = (further: FurtherParameters) => adaptedSteps(engine, model, { programs, further })
  return { ...adapted({}), adapted, dispose: () => programs.dispose() }
}

function adaptedSteps(
  engine: Engine,
  { config, store, precision }: Model,
  { programs, further }: { readonly programs: ProgramMemory; readonly further: FurtherParameters },
): StepModel {
  const family = modelFamily(config.modelType)
  const run = { config, training: false }
  const virtualTokens = virtualTokensOf(store, further)
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
  const { shortLength = Infinity } = step
  /** Keys and values are of these weights with these parameters. */
  const reader = {}
  let group: StepGroup | undefined
  return {
    vocabSize: config.vocabSize,
    isEncoderDecoder: false,
    maxPositions: config.maxPositionEmbeddings - virtualTokens,
    async start(first, { hiddenStates, cache, shared = false }) {
      const program = await programs.once(`step ${hiddenStates}`, further, (shapes) =>
        compileCachedStep(engine, step, { hiddenStates, shapes }),
      )
      const accepts = (tokens: number) => tokens > shortLength === first.length > shortLength
      // Behind a prompt nothing is kept: it counts its own columns.
      const lease = virtualTokens > 0 ? undefined : cache?.lend(reader, first.inputIds, accepts)
      // LongRoPE turns all rows of a step as the longest one's length wants it.
      const isShared = shared && !hiddenStates && shortLength === Infinity
      if (isShared) group ??= groupOf(program, step)
      return startCachedSession(program, step, { first, lease, group: isShared ? group : undefined })
    },
  }
}

/** Where the sequences of a step are written together. */
function groupOf(program: StepProgram, step: CachedStep): StepGroup {
  const run = createStepRunner(program, step)
  return createStepGroup({
    vocabSize: step.vocabSize,
    sizes: cacheSizes(step.cache),
    async run(cache, tokens) {
      const attentionMask = new Int32Array(tokens.length).fill(1)
      return (await run(cache, { rows: tokens.length, inputIds: tokens, attentionMask })).scores
    },
  })
}

/** Phi-3's texts beyond the original positions have other factors of LongRoPE, from their first token on. */
function shortLengthOf(config: DecoderConfig): number | undefined {
  if (config.modelType !== 'phi3') return undefined
  const { type, originalMaxPositionEmbeddings } = config.rope.full_attention
  return type === 'longrope' ? originalMaxPositionEmbeddings : undefined
}
