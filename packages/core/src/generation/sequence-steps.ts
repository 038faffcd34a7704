import type { Engine, ParameterStore, Program } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import type { KeyValues } from '../blocks/scaled-attention'
import type { SequenceToSequenceConfig } from '../config/sequence-to-sequence-config'
import { modelFamily } from '../models'
import type { CompiledStepModel } from './decoder-steps'
import { createKeyValueCache } from './key-value-cache'
import type { PromptBatch, StepPlan, StepSession } from './step-model'
import { sequenceTraceSizes } from './trace-sizes'

interface Model {
  readonly config: SequenceToSequenceConfig
  readonly store: ParameterStore
}

/**
 * An encoder-decoder that writes token by token: prompts are encoded once, their keys and values stay beside the
 * cache of what is written.
 *
 * @param engine What computes.
 * @param model `store` holds the weights with the language model head, as they are when it writes first; it is not
 *   disposed of.
 *
 * @example
 * ```ts
 * const model = createSequenceSteps(await getEngine(), { config, store })
 * const [[best]] = await generate(model, [tokenizer.encode('Good morning').inputIds], { numBeams: 4, decoderStartTokenId: 0 })
 * await model.dispose()
 * ```
 */
export function createSequenceSteps(engine: Engine, model: Model): CompiledStepModel {
  const { config } = model
  const programs = new Map<string, Promise<Program>>()
  const once = (name: string, compile: () => Promise<Program>) => {
    const program = programs.get(name) ?? compile()
    programs.set(name, program)
    return program
  }
  return {
    vocabSize: config.vocabSize,
    isEncoderDecoder: true,
    ...('maxPositionEmbeddings' in config && { maxPositions: config.maxPositionEmbeddings }),
    async start(prompts, plan) {
      const encoder = await once('encoder', () => compileEncoder(engine, model))
      const { hiddenStates } = plan
      const decoder = await once(`decoder ${hiddenStates}`, () => compileDecoder(engine, model, hiddenStates))
      return startSession({ encoder, decoder }, config, { prompts, plan })
    },
    async dispose() {
      const compiled = [...programs.values()]
      programs.clear()
      for (const program of compiled) await (await program).dispose()
    },
  }
}

const ids = (...shape: string[]) => ({ shape, dtype: 'int32' }) as const
const arrayNames = (prefix: string, layers: number) =>
  Array.from({ length: 2 * layers }, (_, index) => `${prefix}.${index}`)
const flat = (layers: readonly KeyValues[]) => layers.flatMap(({ key, value }) => [key, value])
const named = (prefix: string, tensors: readonly tf.Tensor[]) =>
  Object.fromEntries(tensors.map((tensor, index) => [`${prefix}.${index}`, tensor]))
const paired = (prefix: string, tensors: Record<string, tf.Tensor>, layers: number): KeyValues[] =>
  Array.from({ length: layers }, (_, layer) => ({
    key: tensors[`${prefix}.${2 * layer}`]!,
    value: tensors[`${prefix}.${2 * layer + 1}`]!,
  }))

/** The encoder, as far as the decoder looks at it: keys and values. */
function compileEncoder(engine: Engine, { config, store }: Model): Promise<Program> {
  const family = modelFamily(config.modelType)
  const run = { config, training: false }
  return engine.compile(
    ({ inputs, parameters }) => {
      const tokens = { inputIds: inputs.inputIds!, attentionMask: inputs.attentionMask! }
      const hidden = family.encoder(parameters, tokens, run)
      return named('cross', flat(family.crossKeyValues(parameters, hidden, run)))
    },
    {
      inputs: { inputIds: ids('batch', 'source'), attentionMask: ids('batch', 'source') },
      parameters: store,
      packParameters: true,
    },
  )
}

/** One step of the decoder: the last token's scores, and the keys and values of the new tokens. */
function compileDecoder(engine: Engine, { config, store }: Model, hiddenStates: boolean): Promise<Program> {
  const family = modelFamily(config.modelType)
  const { layers, heads, headSize } = family.cacheShape(config)
  const run = { config, training: false }
  const cached = (prefix: string, length: string) =>
    Object.fromEntries(
      arrayNames(prefix, layers).map((name) => [name, { shape: ['batch', heads, length, headSize] }]),
    )
  return engine.compile(
    ({ inputs, parameters }) => {
      const { hidden, present } = family.decoder(
        parameters,
        {
          inputIds: inputs.inputIds!,
          attentionMask: inputs.attentionMask,
          encoderAttentionMask: inputs.encoderAttentionMask!,
          cross: paired('cross', inputs, layers),
          past: paired('past', inputs, layers),
          joinsPast: false,
        },
        run,
      )
      const [batch, sequence, size] = hidden.shape as [number, number, number]
      const last = tf.reshape(tf.slice(hidden, [0, sequence - 1, 0], [batch, 1, size]), [batch, size])
      return {
        scores: family.languageModelHead(parameters, last, run),
        ...(hiddenStates && { hidden }),
        ...named('present', flat(present)),
      }
    },
    {
      inputs: {
        inputIds: ids('batch', 'sequence'),
        attentionMask: ids('batch', 'total'),
        encoderAttentionMask: ids('batch', 'source'),
        ...cached('cross', 'source'),
        ...cached('past', 'past'),
      },
      parameters: store,
      packParameters: true,
      traceSizes: sequenceTraceSizes,
    },
  )
}

async function startSession(
  { encoder, decoder }: { encoder: Program; decoder: Program },
  config: SequenceToSequenceConfig,
  { prompts, plan }: { prompts: PromptBatch; plan: StepPlan },
): Promise<StepSession> {
  const { layers, heads, headSize } = modelFamily(config.modelType).cacheShape(config)
  const { rows: promptRows, length } = prompts
  const cache = createKeyValueCache(promptRows, { arrays: 2 * layers, heads, headSize })
  const source = { dtype: 'int32', shape: [promptRows, length] } as const
  const encoded = await encoder.run({
    inputIds: { ...source, data: prompts.inputIds },
    attentionMask: { ...source, data: prompts.attentionMask },
  })
  // What rows look at follows them: each row of a beam has its prompt's.
  let cross: Record<string, HostTensor> = {
    ...encoded,
    encoderAttentionMask: { ...source, data: prompts.attentionMask },
  }
  let origins = Int32Array.from({ length: promptRows }, (_, row) => row)
  let scores = new Float32Array(0)

  const run = async (inputIds: Int32Array, rows: number) => {
    const sequence = inputIds.length / rows
    const mask = new Int32Array(inputIds.length).fill(1)
    if (scores.length < rows * config.vocabSize) scores = new Float32Array(rows * config.vocabSize)
    const past = cache.tensors().map((tensor, index) => [`past.${index}`, tensor] as const)
    const results = await decoder.run(
      {
        inputIds: { dtype: 'int32', shape: [rows, sequence], data: inputIds },
        attentionMask: cache.mask(mask),
        ...cross,
        ...Object.fromEntries(past),
      },
      { outputs: { scores } },
    )
    cache.append(
      past.map((_, index) => results[`present.${index}`]!.data as Float32Array),
      mask,
    )
    return {
      scores: results.scores!.data as Float32Array,
      hidden: results.hidden?.data as Float32Array | undefined,
    }
  }

  const first = await run(prompts.decoderInputIds!, promptRows)
  let last: Float32Array | undefined
  return {
    scores: first.scores,
    ...(plan.hiddenStates &&
      first.hidden && {
        hiddenStates: { hiddenSize: config.hiddenSize, prompt: first.hidden, last: () => last! },
      }),
    async next(tokens, rows) {
      cache.select(rows)
      const moved = rows.map((row) => origins[row]!)
      if (moved.length !== origins.length || moved.some((origin, row) => origin !== origins[row])) {
        cross = Object.fromEntries(
          Object.entries(cross).map(([name, tensor]) => [name, selectRows(tensor, rows)]),
        )
        origins = Int32Array.from(moved)
      }
      const result = await run(tokens, tokens.length)
      last = result.hidden
      return result.scores
    },
    dispose: () => undefined,
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
