import { getEngine } from '@tfx/backend'
import { throwIfAborted } from '@tfx/common'
import { loadCheckpoint, meanPool, resolveBase, unitLength } from '@tfx/core'
import { batches, collate } from '@tfx/data'

/** Turns texts into vectors. */
export interface Embedder {
  /** Numbers in one embedding. */
  readonly size: number
  /**
   * The embeddings of texts: the mean of their tokens' last hidden states, scaled to length 1, as
   * sentence-transformers compute them.
   *
   * @returns Row-major [texts, size].
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
 *
 * @example
 * ```ts
 * const embedder = await createEmbedder('@tfx/base-encoder')
 * const vectors = await embedder.embed(['good', 'bad'])
 * ```
 */
export async function createEmbedder(base: string): Promise<Embedder> {
  const { directory } = await resolveBase(base)
  const checkpoint = await loadCheckpoint(directory)
  const { config, family, tokenizer } = checkpoint
  const engine = await getEngine()
  const specs = family.parameterShapes(config, 'feature-extraction')
  const store = engine.createStore(Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape])))
  await checkpoint.loadParameters('feature-extraction', { write: (name, values) => store.write(name, values) })
  const program = await engine.compile(
    ({ inputs, parameters }) => {
      const encoder = inputs as { inputIds: never; attentionMask: never }
      const hidden = family.backbone(parameters, encoder, { config, training: false })
      return { embedding: unitLength(meanPool(hidden, encoder.attentionMask)) }
    },
    {
      inputs: {
        inputIds: { shape: ['batch', 'sequence'], dtype: 'int32' },
        attentionMask: { shape: ['batch', 'sequence'], dtype: 'int32' },
      },
      parameters: store,
    },
  )
  const size = config.hiddenSize
  return {
    size,
    async embed(texts, { batchSize = 32, maxLength = config.maxPositionEmbeddings, signal, onProgress } = {}) {
      const result = new Float32Array(texts.length * size)
      if (texts.length === 0) return result
      const encodings = tokenizer.encodeBatch(texts, { maxLength })
      const order = batches(encodings, { batchSize, shuffle: false, lengthOf: ({ inputIds }) => inputIds.length })
      let done = 0
      for (const indices of order) {
        throwIfAborted(signal, 'embed')
        const chosen = indices.map((index) => encodings[index] as (typeof encodings)[number])
        const { inputIds, attentionMask } = collate(chosen, { padTokenId: tokenizer.padTokenId })
        const { embedding } = await program.run({ inputIds, attentionMask })
        const rows = embedding?.data as Float32Array
        indices.forEach((index, row) => result.set(rows.subarray(row * size, (row + 1) * size), index * size))
        onProgress?.((done += indices.length))
      }
      return result
    },
    async dispose() {
      await program.dispose()
      store.dispose()
    },
  }
}
