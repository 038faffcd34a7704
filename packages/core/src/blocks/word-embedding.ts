import { embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { parameterOf, type Parameters } from './parameters'

/**
 * What is to be done with the embeddings of the words before anything else is: noise, mixing, learned prompts.
 *
 * @param words float32 [batch, sequence, size]
 * @returns The same shape.
 */
export type ChangeWords = (words: tf.Tensor) => tf.Tensor

/** Whether a parameter is the table of a model's word embeddings. Every family has one. */
export const isWordTable = (name: string): boolean =>
  /(?:word_embeddings|tok_embeddings|embed_tokens|wte|shared)\.weight$/.test(name)

/** What of a configuration says how words are scaled. */
export interface WordScaleConfig {
  readonly modelType: string
  readonly hiddenSize: number
  readonly scaleEmbedding?: boolean
}

/** What the rows of Gemma, and of BART and its relatives where their configuration says so, are multiplied with. */
export const wordScale = ({ modelType, hiddenSize, scaleEmbedding = false }: WordScaleConfig): number =>
  scaleEmbedding || modelType.startsWith('gemma') ? Math.sqrt(hiddenSize) : 1

/** Which embedding, and the id of padding, whose row learns nothing from being looked up (PyTorch's `padding_idx`). */
export interface WordEmbedding {
  readonly name: string
  readonly paddingRow?: number | undefined
  /** What rows are multiplied with. Default 1. */
  readonly scale?: number | undefined
  /** Default: nothing. */
  readonly change?: ChangeWords | undefined
}

/**
 * Rows of `{name}.weight`, scaled and changed.
 *
 * @param ids int32 [batch, sequence]
 * @returns float32 [batch, sequence, size]
 */
export function wordEmbedding(
  parameters: Parameters,
  ids: tf.Tensor,
  { name, paddingRow, scale = 1, change = (words) => words }: WordEmbedding,
): tf.Tensor {
  const table = parameterOf(parameters, `${name}.weight`)
  const rows =
    paddingRow === undefined ? embedding(table, ids) : withoutPadding(embedding(table, ids), ids, paddingRow)
  return change(scale === 1 ? rows : tf.mul(rows, scale))
}

/** The same numbers, through which padding gets no gradient. */
function withoutPadding(rows: tf.Tensor, ids: tf.Tensor, paddingRow: number): tf.Tensor {
  const isWord = tf.cast(tf.notEqual(ids, tf.scalar(paddingRow, 'int32')), 'float32')
  const looked = tf.customGrad((...args) => {
    const [rows, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc]
    save([tf.expandDims(isWord, -1)])
    return { value: tf.clone(rows), gradFunc: (dy, saved) => tf.mul(dy, saved[0]!) }
  })
  return looked(rows)
}
