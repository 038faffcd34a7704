import type { Engine, InputSpec, ParameterStore, Program } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { compileForFurther, type FurtherParameters, type StepProgram } from '../adapters/further-parameters'
import { cachedHeadSize } from '../blocks/cached-attention'
import type { Parameters } from '../blocks/parameters'
import type { KeyValues } from '../blocks/scaled-attention'
import { type CacheSizes, createKeyValueCache, type KeyValueCache } from './key-value-cache'
import type { PromptLease } from './prompt-cache'
import type { StepGroup } from './step-group'
import type { StepModel, StepSession } from './step-model'
import {
  behind,
  behindPlaces,
  continued,
  lastColumns,
  longest,
  promptPlaces,
  type TokenRows,
} from './token-rows'

/** A {@link StepModel} that holds compiled programs. */
export interface CompiledStepModel extends StepModel {
  /**
   * The same model with further parameters, or others in the place of its own: an adapter of PEFT, as `loadAdapter` reads it.
   * It shares the weights; adapters of the same shapes share the programs, so that a further one takes no more than its own
   * numbers. It needs no disposal.
   */
  adapted(parameters: FurtherParameters): StepModel
  /** Frees the programs. The weights stay. */
  dispose(): Promise<void>
}

/**
 * What a model computes with: `int8` and `int4` round the weights of matrix products, by blocks of 32 with a scale each. Less is
 * read for every token, so that writing is several times as fast, and what is written differs a little. `int4` is what the
 * export of that name computes; that of int8, which runs in more places, is further from the real numbers.
 */
export type InferencePrecision = 'float32' | 'int8' | 'int4'

/** How an engine is to pack parameters for a precision. Default float32. */
export const packedAs = (
  precision: InferencePrecision = 'float32',
): Exclude<InferencePrecision, 'float32'> | true => (precision === 'float32' ? true : precision)

/** One step of a model that keeps keys and values, whatever else it looks at. */
export interface CachedStep {
  readonly store: ParameterStore
  readonly precision?: InferencePrecision | undefined
  readonly vocabSize: number
  readonly hiddenSize: number
  /** The shape of what each layer keeps for a token. */
  readonly cache: { readonly layers: number; readonly heads: number; readonly headSize: number }
  /** Inputs beside the tokens, their mask and the cache. Default: none. */
  readonly inputs?: Readonly<Record<string, InputSpec>>
  /** How many embeddings of a learned prompt are read in front of every text. Default 0. */
  readonly virtualTokens?: number | undefined
  readonly traceSizes: readonly Readonly<Record<string, number>>[]
  /**
   * The longest text, in tokens, whose keys and values hold: those of a longer one are other numbers, and are
   * computed anew where a text crosses it. Default: keys and values do not depend on what follows.
   */
  readonly shortLength?: number | undefined
  /** The hidden states of the new tokens, and the cache with their keys and values. */
  readonly compute: (
    parameters: Parameters,
    inputs: Readonly<Record<string, tf.Tensor>>,
    past: readonly KeyValues[],
  ) => { hidden: tf.Tensor; present: readonly KeyValues[] }
  /** float32 [rows, hidden] → scores [rows, vocabulary] */
  readonly head: (parameters: Parameters, hidden: tf.Tensor) => tf.Tensor
}

/** Keys and values of all layers by name: `past.0` is the first layer's keys, `past.1` its values, and so on. */
export const cacheNames = (prefix: string, layers: number): string[] =>
  Array.from({ length: 2 * layers }, (_, index) => `${prefix}.${index}`)

/** Tensors under the names of {@link cacheNames}. */
export const namedCache = (prefix: string, layers: readonly KeyValues[]): Record<string, tf.Tensor> =>
  Object.fromEntries(
    layers.flatMap(({ key, value }, layer) => [
      [`${prefix}.${2 * layer}`, key],
      [`${prefix}.${2 * layer + 1}`, value],
    ]),
  )

/** The layers of tensors that were named by {@link namedCache}. */
export const cacheOf = (
  prefix: string,
  tensors: Readonly<Record<string, tf.Tensor>>,
  layers: number,
): KeyValues[] =>
  Array.from({ length: layers }, (_, layer) => ({
    key: tensors[`${prefix}.${2 * layer}`]!,
    value: tensors[`${prefix}.${2 * layer + 1}`]!,
  }))

/** The specifications of a cache of some length, an axis. */
export const cacheSpecs = (
  prefix: string,
  { layers, heads, headSize }: CachedStep['cache'],
  length: string,
): Record<string, InputSpec> =>
  Object.fromEntries(
    cacheNames(prefix, layers).map((name) => [name, { shape: ['batch', heads, length, headSize] }]),
  )

/** Compiles a step: the last token's scores, and the cache with the new tokens. */
export function compileCachedStep(
  engine: Engine,
  { store, precision, cache, inputs = {}, virtualTokens = 0, traceSizes, compute, head }: CachedStep,
  { hiddenStates, shapes }: { hiddenStates: boolean; shapes: Readonly<Record<string, readonly number[]>> },
): Promise<Program> {
  return compileForFurther(
    engine,
    {
      step({ inputs: tensors, parameters }) {
        const { hidden, present } = compute(parameters, tensors, cacheOf('past', tensors, cache.layers))
        const [batch, sequence, size] = hidden.shape as [number, number, number]
        const last = tf.reshape(tf.slice(hidden, [0, sequence - 1, 0], [batch, 1, size]), [batch, size])
        return {
          scores: head(parameters, last),
          ...(hiddenStates && { hidden }),
          ...namedCache('present', present),
        }
      },
      inputs: {
        inputIds: { shape: ['batch', 'sequence'], dtype: 'int32' },
        attentionMask: { shape: ['batch', 'total'], dtype: 'int32' },
        ...(virtualTokens > 0 && { promptPlaces: { shape: ['batch', 'sequence'], dtype: 'int32' } }),
        ...inputs,
        ...cacheSpecs('past', { ...cache, headSize: cachedHeadSize(cache.headSize) }, 'room'),
      },
      parameters: store,
      packParameters: packedAs(precision),
      traceSizes,
    },
    shapes,
  )
}

/** Inputs beside the tokens, which follow the rows. */
export interface RowInputs {
  tensors(): Record<string, HostTensor>
  /** Makes row i what was row `rows[i]`. */
  select(rows: Int32Array): void
}

/** What a session begins with. */
export interface SessionStart {
  readonly first: TokenRows
  readonly others?: RowInputs
  /** Of a single row that will stay the only one: what is known of it, and who keeps it. */
  readonly lease?: PromptLease | undefined
  /** Where a single row is written together with others. Default: alone. */
  readonly group?: StepGroup | undefined
}

/** What the cache of a step is made of. */
export const cacheSizes = ({ layers, heads, headSize }: CachedStep['cache']): CacheSizes => ({
  arrays: 2 * layers,
  heads,
  headSize: cachedHeadSize(headSize),
})

/** Runs steps of one kind of cache, one at a time. */
export type StepRunner = (
  cache: KeyValueCache,
  tokens: TokenRows,
) => Promise<{ scores: Float32Array; hidden: Float32Array | undefined }>

/** What runs a compiled step. What it gives is valid until the next. */
export function createStepRunner(
  program: StepProgram,
  {
    vocabSize,
    hiddenSize,
    virtualTokens = 0,
    cache: { layers },
  }: Pick<CachedStep, 'vocabSize' | 'hiddenSize' | 'virtualTokens' | 'cache'>,
  others?: RowInputs,
): StepRunner {
  const [pastNames, presentNames] = [cacheNames('past', layers), cacheNames('present', layers)]
  // One buffer serves every step: what it holds is read before the next.
  let scores = new Float32Array(0)
  const named = <T>(names: readonly string[], values: readonly T[]) =>
    Object.fromEntries(names.map((name, index) => [name, values[index]!]))
  return async (cache, added) => {
    // Keys and values of a prompt stay in the cache like those of tokens, and are computed where it is empty.
    const places = cache.length === 0 ? virtualTokens : 0
    const { rows, inputIds, attentionMask } = behindPlaces(added, places)
    if (scores.length < rows * vocabSize) scores = new Float32Array(rows * vocabSize)
    const past = cache.withRoom(attentionMask)
    const inPlace = past.tensors.map(({ data }) => data)
    const results = await program.run(
      {
        inputIds: { dtype: 'int32', shape: [rows, inputIds.length / rows], data: inputIds },
        attentionMask: past.mask,
        ...(virtualTokens > 0 && { promptPlaces: promptPlaces({ rows, attentionMask }, places) }),
        ...others?.tensors(),
        ...named(pastNames, past.tensors),
      },
      { outputs: { scores, ...named(presentNames, inPlace) } },
    )
    // They were written in place, unless the engine gave new ones.
    cache.replace(presentNames.map((name) => results[name]!.data as Float32Array<ArrayBuffer>))
    return {
      scores: results.scores!.data as Float32Array,
      hidden: results.hidden && lastColumns(results.hidden.data as Float32Array, added, hiddenSize),
    }
  }
}

/** Reads the first tokens, as far as they are not known, and is ready for the next. */
export async function startCachedSession(
  program: StepProgram,
  step: Pick<CachedStep, 'vocabSize' | 'hiddenSize' | 'cache' | 'shortLength' | 'virtualTokens'>,
  { first, others, lease, group }: SessionStart,
): Promise<StepSession> {
  const { hiddenSize, shortLength = Infinity, virtualTokens = 0 } = step
  const lengthOf = (texts: TokenRows) => longest(texts) + virtualTokens
  const emptyCache = (rows: number) => createKeyValueCache(rows, cacheSizes(step.cache))
  let cache = lease?.known?.cache ?? emptyCache(first.rows)
  const run = createStepRunner(program, step, others)
  // What the keys and values are of, where they will be kept. A step that fails leaves something unknown behind.
  const text = lease && { tokens: Array.from(first.inputIds), isSound: true }
  const known = lease?.known?.tokens ?? 0
  const { scores: firstScores, hidden: prompt } = await run(cache, behind(first, known))
  const member = group?.join(cache)
  let last: Float32Array | undefined
  let texts = shortLength === Infinity ? undefined : first

  async function alone(tokens: Int32Array, rows: Int32Array): Promise<Float32Array> {
    const attentionMask = new Int32Array(tokens.length).fill(1)
    let added: TokenRows = { rows: tokens.length, inputIds: tokens, attentionMask }
    const before = texts
    if (before) texts = continued(before, { tokens, rows })
    others?.select(rows)
    if (before && texts && lengthOf(before) > shortLength !== lengthOf(texts) > shortLength) {
      cache = emptyCache(tokens.length)
      added = texts
    } else cache.select(rows)
    const result = await run(cache, added)
    const newest = { rows: tokens.length, inputIds: tokens }
    last = result.hidden && lastColumns(result.hidden, newest, hiddenSize)
    return result.scores
  }

  return {
    scores: firstScores,
    knownTokens: known,
    ...(prompt && { hiddenStates: { hiddenSize, prompt, last: () => last! } }),
    async next(tokens, rows) {
      if (text) text.isSound = false
      const scores = await (member ? member.next(tokens[0]!) : alone(tokens, rows))
      if (text) {
        text.tokens.push(...tokens)
        text.isSound = true
      }
      return scores
    },
    dispose() {
      const own = member ? member.leave(lease !== undefined) : cache
      if (own && text?.isSound) lease?.keep(Int32Array.from(text.tokens), own)
    },
  }
}
