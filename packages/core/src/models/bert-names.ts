import type { EmbeddingNames } from '../blocks/embeddings'
import type { EncoderLayerNames } from '../blocks/encoder-layer'

/** The names of the embeddings under a prefix such as `bert.`, as BERT and most of its relatives have them. */
export function bertEmbeddingNames(prefix: string): Required<EmbeddingNames> {
  return {
    word: `${prefix}embeddings.word_embeddings`,
    position: `${prefix}embeddings.position_embeddings`,
    tokenType: `${prefix}embeddings.token_type_embeddings`,
    norm: `${prefix}embeddings.LayerNorm`,
  }
}

/** The names of the layers under a prefix such as `bert.`. */
export function bertLayerNames(prefix: string, layers: number): EncoderLayerNames[] {
  return Array.from({ length: layers }, (_, index) => {
    const layer = `${prefix}encoder.layer.${index}`
    return {
      query: `${layer}.attention.self.query`,
      key: `${layer}.attention.self.key`,
      value: `${layer}.attention.self.value`,
      attentionOutput: `${layer}.attention.output.dense`,
      attentionNorm: `${layer}.attention.output.LayerNorm`,
      feedForwardInput: `${layer}.intermediate.dense`,
      feedForwardOutput: `${layer}.output.dense`,
      feedForwardNorm: `${layer}.output.LayerNorm`,
    }
  })
}
