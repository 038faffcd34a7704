import type { Engine, ParameterStore, Program } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { compileForFurther, type FurtherParameters, type StepProgram } from '../adapters/further-parameters'
import { longerThanPrompt, virtualTokensOf, withPrompt } from '../adapters/prompt'
import type { SequenceToSequenceConfig } from '../config/sequence-to-sequence-config'
import { modelFamily } from '../models'
import {
  type CachedStep,
  cacheOf,
  cacheSpecs,
  type CompiledStepModel,
  compileCachedStep,
  type InferencePrecision,
  packedAs,
  namedCache,
  type RowInputs,
  startCachedSession,
} from './cached-steps'
import { type ProgramMemory, programMemory } from './program-memory'
import type { StepModel } from './step-model'
import { behindPlaces, type TokenRows } from './token-rows'
import { sequenceTraceSizes } from './trace-sizes'

interface Model {
  readonly config: SequenceToSequenceConfig
  readonly store: ParameterStore
  readonly precision?: InferencePrecision | undefined
}

/**
 * An encoder-decoder that writes token by token: prompts are encoded once, their keys and values stay beside the
 * cache of what is written. The encoder reads a learned prompt in the store in front of every text.
 *
 * @param engine What computes.
 * @param model `store` holds the weights with the language model head, as they are when it writes first; it is not
 *   disposed of. `precision`: what it computes with, default float32.
 *
 * @example
 * ```ts
 * const model = createSequenceSteps(await getEngine(), { config, store })
 * const [[best]] = await generate(model, [tokenizer.encode('Good morning').inputIds], { numBeams: 4, decoderStartTokenId: 0 })
 * await model.dispose()
 * ```
 */
export function createSequenceSteps(engine: Engine, model: Model): CompiledStepModel {
  const programs = programMemory()
  const adapted = (further: FurtherParameters) => adaptedSteps(engine, model, { programs, further })
  return { ...adapted({}), adapted, dispose: () => programs.dispose() }
}

function adaptedSteps(
  engine: Engine,
  model: Model,
  { programs, further }: { readonly programs: ProgramMemory; readonly further: FurtherParameters },
): StepModel {
  const { config, store } = model
  const virtualTokens = virtualTokensOf(store, further)
  const step = decoderStep(model)
  return {
    vocabSize: config.vocabSize,
    isEncoderDecoder: true,
    encoderVocabSize: config.vocabSize,
    ...('maxPositionEmbeddings' in config && {
      maxPositions: config.maxPositionEmbeddings,
      ...(config.positions === 'learned' && {
        encoderPositions: config.maxPositionEmbeddings - virtualTokens,
      }),
    }),
    async start(prompts, { hiddenStates }) {
      const encoder = await programs.once('encoder', further, (shapes) =>
        compileEncoder(engine, model, shapes),
      )
      const decoder = await programs.once(`step ${hiddenStates}`, further, (shapes) =>
        compileCachedStep(engine, step, { hiddenStates, shapes }),
      )
      const { rows } = prompts
      const first = {
        rows,
        inputIds: prompts.decoderInputIds!,
        attentionMask: new Int32Array(rows).fill(1),
      }
      const others = await encode(encoder, behindPlaces(prompts, virtualTokens))
      return startCachedSession(decoder, step, { first, others })
    },
  }
}

/** The encoder, as far as the decoder looks at it: keys and values. */
function compileEncoder(
  engine: Engine,
  { config, store, precision }: Model,
  shapes: Readonly<Record<string, readonly number[]>>,
): Promise<Program> {
  const family = modelFamily(config.modelType)
  const run = { config, training: false }
  const ids = { shape: ['batch', 'source'], dtype: 'int32' } as const
  return compileForFurther(
    engine,
    {
      step({ inputs, parameters }) {
        const tokens = { inputIds: inputs.inputIds!, attentionMask: inputs.attentionMask! }
        const hidden = family.encoder(parameters, withPrompt(parameters, tokens), run)
        return namedCache('cross', family.crossKeyValues(parameters, hidden, run))
      },
      inputs: { inputIds: ids, attentionMask: ids },
      parameters: store,
      packParameters: packedAs(precision),
      ...longerThanPrompt({ ...store.shapes, ...shapes }),
    },
    shapes,
  )
}

function decoderStep({ config, store, precision }: Model): CachedStep {
  const family = modelFamily(config.modelType)
  const run = { config, training: false }
  const cache = family.cacheShape(config)
  return {
    store,
    precision,
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    cache,
    inputs: {
      encoderAttentionMask: { shape: ['batch', 'source'], dtype: 'int32' },
      ...cacheSpecs('cross', cache, 'source'),
    },
    traceSizes: sequenceTraceSizes,
    compute(parameters, tensors, past) {
      const tokens = {
        inputIds: tensors.inputIds!,
        attentionMask: tensors.attentionMask,
        encoderAttentionMask: tensors.encoderAttentionMask!,
        cross: cacheOf('cross', tensors, cache.layers),
        past,
        pastHasRoom: true,
      }
      return family.decoder(parameters, tokens, run)
    },
    head: (parameters, hidden) => family.languageModelHead(parameters, hidden, run),
  }
}

/** Runs the encoder. What rows look at follows them: each row of a beam has its prompt's. */
async function encode(
  encoder: StepProgram,
  { rows, inputIds, attentionMask }: TokenRows,
): Promise<RowInputs> {
  const source = { dtype: 'int32', shape: [rows, inputIds.length / rows] } as const
  const mask: HostTensor = { ...source, data: attentionMask }
  let tensors: Record<string, HostTensor> = {
    ...(await encoder.run({ inputIds: { ...source, data: inputIds }, attentionMask: mask })),
    encoderAttentionMask: mask,
  }
  let origins = Int32Array.from({ length: rows }, (_, row) => row)
  return {
    tensors: () => tensors,
    select(sources) {
      const moved = sources.map((row) => origins[row]!)
      if (moved.length === origins.length && moved.every((origin, row) => origin === origins[row])) return
      tensors = Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => [name, selectRows(tensor, sources)]),
      )
      origins = Int32Array.from(moved)
    },
  }
}

/** Rows of a tensor, one for each index. */
function selectRows({ dtype, shape, data }: HostTensor, rows: Int32Array): HostTensor {
  const size = data.length / shape[0]!
  const from = data as Float32Array
  const selected = new (dtype === 'int32' ? Int32Array : Float32Array)(rows.length * size)
  rows.forEach((row, index) => {
    selected.set(from.subarray(row * size, (row + 1) * size), index * size)
  })
  return { dtype, shape: [rows.length, ...shape.slice(1)], data: selected }
}
