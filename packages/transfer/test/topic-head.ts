import { tf } from '@tfx/compiler'
import { withLabels } from '@tfx/core'
import { readRows, split } from '@tfx/data'
import { type TaskHead, type TransferModel, type TransferOptions, transferTo } from '@tfx/transfer'

/** A text with any number of topics, also none. */
interface TopicExample {
  text: string
  topics: string[]
}

interface TopicOptions {
  /** How much a topic that is there weighs in the loss, against one that is not. Default 1. */
  positiveWeight?: number
}

const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit))

/** Which of several topics a text has: each is a question of its own. */
export const topicHead: TaskHead<TopicExample, Record<string, number>, TopicOptions> = {
  name: 'topics',
  task: 'sequence-classification',
  options: ['positiveWeight'],
  best: { metric: 'exactMatch', mode: 'max' },

  // Rows → examples. Here a column holds the topics, separated by semicolons.
  async read(dataset, { signal }) {
    const examples: TopicExample[] = []
    for await (const { text, topics } of readRows(dataset, signal ? { signal } : {})) {
      const names = String(topics)
        .split(';')
        .filter((name) => name !== '')
      examples.push({ text: String(text), topics: names })
    }
    return { examples, notes: [] }
  },

  split: (examples, options) => split(examples, options),

  // The training data decides the labels; this problem_type has Transformers.js and Python apply a sigmoid.
  configure: (config, examples) =>
    withLabels(
      config,
      [...new Set(examples.flatMap(({ topics }) => topics))].sort(),
      'multi_label_classification',
    ),

  // Examples → what the loss compares with, a tensor of ones and zeros.
  targetInputs: ({ labels }) => ({ labels: { shape: ['batch', labels.length] } }),
  targets: (examples, { labels }) => ({
    labels: {
      dtype: 'float32',
      shape: [examples.length, labels.length],
      data: Float32Array.from(
        examples.flatMap(({ topics }) => labels.map((name) => Number(topics.includes(name)))),
      ),
    },
  }),

  // The network and its loss, in tfjs: binary cross-entropy, as torch.nn.BCEWithLogitsLoss.
  forward(parameters, inputs, { family, ...run }) {
    const hidden = family.backbone(parameters, inputs, run)
    return {
      logits: family.sequenceClassificationHead(parameters, hidden, {
        ...run,
        attentionMask: inputs.attentionMask,
      }),
    }
  },
  loss({ logits }, { labels }, { positiveWeight = 1 }) {
    const [x, z] = [logits, labels] as [tf.Tensor, tf.Tensor]
    const weight = tf.add(1, tf.mul(z, positiveWeight - 1))
    return tf.mean(tf.add(tf.mul(tf.sub(1, z), x), tf.mul(weight, tf.softplus(tf.neg(x)))))
  },

  // Metrics, added up batch by batch.
  score({ labels }) {
    let [exact, total] = [0, 0]
    return {
      add(examples, { logits }) {
        examples.forEach(({ topics }, row) => {
          const told = labels.filter((_, column) => Number(logits?.data[row * labels.length + column]) > 0)
          total += 1
          if (told.join() === labels.filter((name) => topics.includes(name)).join()) exact += 1
        })
      },
      result: () => ({ exactMatch: exact / total }),
    }
  },

  // One row of logits → what predict gives.
  answer: ({ logits }, { labels }) =>
    Object.fromEntries(labels.map((name, index) => [name, sigmoid(logits?.[index] ?? NaN)])),
}

/** What users call: `transfer(base, dataset)` bound to the head. */
export function transferTopics(
  base: string,
  dataset: Iterable<{ text: string; topics: string }> | string,
  options: TopicOptions & TransferOptions = {},
): Promise<TransferModel<Record<string, number>, TopicOptions>> {
  return transferTo(topicHead, { base, dataset }, options)
}
