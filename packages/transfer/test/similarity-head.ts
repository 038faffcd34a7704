import { tf } from '@tfx/compiler'
import { meanPool, unitLength } from '@tfx/core'
import { readRows, split } from '@tfx/data'
import { type TaskHead, type TransferModel, type TransferOptions, transferTo } from '@tfx/transfer'

/** A text with what it is about: any name, also one that no other text has. */
interface GroupedExample {
  text: string
  group: string
}

/** Vectors of texts: the nearer two of them, the likelier the texts are of one group. */
export const similarityHead: TaskHead<GroupedExample, number[], object> = {
  name: 'similarity',
  task: 'feature-extraction',
  options: [],
  best: { metric: 'nearestIsOfGroup', mode: 'max' },

  async read(dataset, { signal }) {
    const examples: GroupedExample[] = []
    for await (const { text, group } of readRows(dataset, signal ? { signal } : {}))
      examples.push({ text: String(text), group: String(group) })
    return { examples, notes: [] }
  },

  split: (examples, options) => split(examples, options),

  // The encoder alone: there are no labels to know.
  configure: (config) => config,

  // Only who belongs together counts: the place in the batch of the first text of the same group.
  targetInputs: () => ({ groups: { shape: ['batch'], dtype: 'int32' } }),
  targets(examples) {
    const names = examples.map(({ group }) => group)
    const places = Int32Array.from(names, (name) => names.indexOf(name))
    return { groups: { dtype: 'int32', shape: [examples.length], data: places } }
  },

  // The mean of the last hidden states, of length 1, as sentence-transformers.
  forward(parameters, inputs, { family, ...run }) {
    const hidden = family.backbone(parameters, inputs, run)
    return { embedding: unitLength(meanPool(hidden, inputs.attentionMask)) }
  },

  // The cosine of every pair of a batch should be 1 within a group and 0 elsewhere.
  loss({ embedding }, { groups }) {
    const [vectors, places] = [embedding, groups] as [tf.Tensor, tf.Tensor]
    const cosines = tf.matMul(vectors, vectors, false, true)
    const isSame = tf.cast(tf.equal(tf.expandDims(places, 1), tf.expandDims(places, 0)), 'float32')
    return tf.mean(tf.square(tf.sub(cosines, isSame)))
  },

  // How often the nearest text of a batch is of the same group.
  score() {
    let [right, total] = [0, 0]
    return {
      add(examples, { embedding }) {
        const { data, shape } = embedding!
        const size = shape[1]!
        const rowOf = (row: number) => Array.from(data.subarray(row * size, (row + 1) * size))
        examples.forEach(({ group }, row) => {
          const cosines = examples.map((_, other) =>
            other === row
              ? -2
              : rowOf(row).reduce((sum, value, place) => sum + value * rowOf(other)[place]!, 0),
          )
          total += 1
          right += Number(examples[cosines.indexOf(Math.max(...cosines))]!.group === group)
        })
      },
      result: () => ({ nearestIsOfGroup: right / total }),
    }
  },

  answer: ({ embedding }) => Array.from(embedding!),
}

/** What users call. */
export function transferSimilarity(
  base: string,
  dataset: Iterable<GroupedExample> | string,
  options: TransferOptions = {},
): Promise<TransferModel<number[], object>> {
  return transferTo(similarityHead, { base, dataset }, options)
}
