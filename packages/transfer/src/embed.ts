import { type Engine, getEngine, type ParameterStore, type Program } from '@tfx/backend'
import { throwIfAborted } from '@tfx/common'
import { type Checkpoint, loadCheckpoint, meanPool, resolveBase, shapesOf, unitLength } from '@tfx/core'
import { batches, collate } from '@tfx/data'
import { checkMaxLength, longestInput } from './check-options'

/** Turns texts into vectors. */
export interface Embedder {
  /** Numbers in one embedding. */
  readonly size: number
  /**
   * The embeddings of texts: the mean of their tokens' last hidden states, scaled to length 1, as
   * sentence-transformers compute them.
   *
   * @returns Row-major [texts, size].
   * @throws ArgumentError on wrong options; AbortedError if the signal fires.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array>
  dispose(): Promise<void>
}

/** Options of {@link Embedder.embed}. */
export interface EmbedOptions {
  /** Default 32. */
  batchSize?: number
  /** Longer texts are cut. Default: what the model takes. */
  maxLength?: number
  signal?: AbortSignal
  /** Told the number of texts done after each batch. */
  onProgress?: (done: number) => void
}

/**
 * Opens an encoder as a source of sentence embeddings.
 *
 * @param base A hub id, directory, or installed npm package, for instance `sentence-transformers/all-MiniLM-L6-v2`.
 * @throws CheckpointError or NetworkError if the base cannot be used.
 *
 * @example
 * ```ts
 * const embedder = await createEmbedder('@tfx/base-encoder')
 * const vectors = await embedder.embed(['good', 'bad'])
 * ```
 */
export async function createEmbedder(base: string): Promise<Embedder> {
  const { directory } = await resolveBase(base)
  const checkpoint = await loadCheckpoint(directory, { kind: 'encoder' })
  const { config, family } = checkpoint
  const engine = await getEngine()
  const store = engine.createStore(shapesOf(family.parameterShapes(config, 'feature-extraction')))
  try {
    const write = (name: string, values: Float32Array) => store.write(name, values)
    await checkpoint.loadParameters('feature-extraction', { write })
    const program = await compile(engine, checkpoint, store)
    return {
      size: config.hiddenSize,
      embed: (texts, options) => embed(program, checkpoint, { texts, ...options }),
      async dispose() {
        await program.dispose()
        store.dispose()
      },
    }
  } catch (error) {
    store.dispose()
    throw error
  }
}

function compile(
  engine: Engine,
  { config, family }: Checkpoint<'encoder'>,
  store: ParameterStore,
): Promise<Program> {
  const spec = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  return engine.compile(
    ({ inputs, parameters }) => {
      const encoder = inputs as { inputIds: never; attentionMask: never }
      const hidden = family.backbone(parameters, encoder, { config, training: false })
      return { embedding: unitLength(meanPool(hidden, encoder.attentionMask)) }
    },
    { inputs: { inputIds: spec, attentionMask: spec }, parameters: store },
  )
}

async function embed(
  program: Program,
  checkpoint: Checkpoint<'encoder'>,
  { texts, batchSize = 32, maxLength, signal, onProgress }: EmbedOptions & { texts: readonly string[] },
): Promise<Float32Array> {
  const { tokenizer, config } = checkpoint
  const longest = longestInput(checkpoint)
  if (maxLength !== undefined) checkMaxLength(maxLength, longest, 'embed')
  const size = config.hiddenSize
  const result = new Float32Array(texts.length * size)
  if (texts.length === 0) return result
  const encodings = tokenizer.encodeBatch(texts, { maxLength: maxLength ?? longest })
  const order = batches(encodings, { batchSize, shuffle: false, lengthOf: ({ inputIds }) => inputIds.length })
  let done = 0
  for (const indices of order) {
    throwIfAborted(signal, 'embed')
    const chosen = indices.map((index) => encodings[index]!)
    const { inputIds, attentionMask } = collate(chosen, { padTokenId: tokenizer.padTokenId })
    const { embedding } = await program.run({ inputIds, attentionMask })
    const rows = embedding!.data as Float32Array
    indices.forEach((index, row) => result.set(rows.subarray(row * size, (row + 1) * size), index * size))
    onProgress?.((done += indices.length))
  }
  return result
}
