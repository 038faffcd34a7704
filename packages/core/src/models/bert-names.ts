import type { EmbeddingNames } from '../blocks/embeddings'
import type { TransformerLayerNames } from '../blocks/transformer-layer'

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
export function bertLayerNames(prefix: string, layers: number): TransformerLayerNames[] {
  return Array.from({ length: layers }, (_, index) => {
    const layer = `${prefix}encoder.layer.${index}`
    return {
      attention: {
        query: `${layer}.attention.self.query`,
        key: `${layer}.attention.self.key`,
        value: `${layer}.attention.self.value`,
        output: `${layer}.attention.output.dense`,
      },
      attentionNorm: `${layer}.attention.output.LayerNorm`,
      feedForward: { input: `${layer}.intermediate.dense`, output: `${layer}.output.dense` },
      feedForwardNorm: `${layer}.output.LayerNorm`,
    }
  })
}
