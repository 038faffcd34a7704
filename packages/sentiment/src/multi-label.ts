import { ArgumentError, CheckpointError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { type EncoderConfig, withLabels } from '@tfx/core'
import {
  discoverLabels,
  encodeLabels,
  type MultiLabelExample,
  multiLabelExamples,
  stratifiedSplit,
} from '@tfx/data'
import { averageScores, createLabelCounts, exactMatch } from '@tfx/metrics'
import type { Score, TaskHead } from '@tfx/transfer'
import { multiLabelAnswer, type SentimentAnswer } from './answer'
import { describeColumns, onlyDefined, sentimentHead } from './head'
import type { SentimentOptions } from './options'

const problemType = 'multi_label_classification'

/** Sentiment where a text may have several labels, or none: each label is a question of its own. */
export const multiLabelHead: TaskHead<MultiLabelExample, SentimentAnswer, SentimentOptions> = {
  name: sentimentHead.name,
  ...(sentimentHead.thread && { thread: sentimentHead.thread }),
  task: sentimentHead.task,
  options: ['multiLabel', 'fewShot', 'threshold', 'labels', 'textColumn', 'labelColumn', 'textPairColumn'],
  best: { metric: 'microF1', mode: 'max' },
  forward: (...given) => sentimentHead.forward(...given),

  async read(dataset, { textColumn, labelColumn, textPairColumn, signal }) {
    const given = { textColumn, labelColumn, textPairColumn, signal }
    const { examples, columns } = await multiLabelExamples(dataset, onlyDefined(given))
    return { examples, notes: describeColumns(columns) }
  },

  split(examples, options) {
    const counts = new Map<string, number>()
    for (const label of examples.flatMap(({ labels }) => labels))
      counts.set(label, (counts.get(label) ?? 0) + 1)
    // By its rarest label, so that as many labels as possible are in both parts.
    const rarest = ({ labels }: MultiLabelExample) =>
      [...labels].sort((left, right) => counts.get(left)! - counts.get(right)!)[0] ?? ''
    return stratifiedSplit(examples, { ...options, by: rarest })
  },

  configure(config, examples, { labels, threshold }) {
    checkThreshold(threshold)
    const found = new Set(examples.flatMap((example) => example.labels))
    const named = withLabels(
      config,
      discoverLabels(found, labels === undefined ? {} : { labels }),
      problemType,
    )
    return { ...named, source: { ...config.source, [thresholdKey]: threshold ?? 0.5 } }
  },

  checkModel(config) {
    if (isMultiLabel(config)) return
    throw new CheckpointError({
      function: 'load',
      argument: 'source',
      expected: 'a classifier of labels that do not exclude one another',
      received: `one for ${config.problemType ?? 'a single label'}`,
      remedy: 'Fine-tune it first: transfer(base, dataset, { multiLabel: true }).',
    })
  },

  targetInputs: ({ labels }) => ({ labels: { shape: ['batch', labels.length] } }),
  targets: (examples, { labels }) => ({
    labels: {
      dtype: 'float32',
      shape: [examples.length, labels.length],
      data: Float32Array.from(examples.flatMap((example) => indicators(example.labels, labels))),
    },
  }),

  loss: ({ logits }, { labels }) => binaryCrossEntropy(logits!, labels!),
  score: createScore,
  answer: ({ logits }, config) => multiLabelAnswer(logits!, config.labels, thresholdOf(config)),
}

/** Whether the texts of a model may have several labels. */
export const isMultiLabel = (config: EncoderConfig): boolean => config.problemType === problemType

/**
 * The mean over examples and labels of -log p of what is so, each label by its own sigmoid: torch's `BCEWithLogitsLoss`.
 *
 * @param logits float32 [batch, labels]
 * @param targets float32 [batch, labels], 0 or 1
 */
export function binaryCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.mean(tf.add(tf.mul(tf.sub(1, targets), logits), tf.softplus(tf.neg(logits))))
}

const thresholdKey = 'multi_label_threshold'

function thresholdOf({ source }: EncoderConfig): number {
  const value = source[thresholdKey]
  return typeof value === 'number' && value > 0 && value < 1 ? value : 0.5
}

/** 1 for each label that is there, else 0. @throws DataError on a label that the model does not have. */
function indicators(given: readonly string[], names: readonly string[]): number[] {
  const indices = encodeLabels(given, names)
  return names.map((_, index) => Number(indices.includes(index)))
}

/** Exact match, F1 (macro and micro), and the mean loss. */
function createScore(config: EncoderConfig): Score<MultiLabelExample> {
  const { labels } = config
  const counts = createLabelCounts(labels.length)
  let loss = 0
  return {
    add(examples, { logits }) {
      examples.forEach((example, index) => {
        const row = (logits!.data as Float32Array).subarray(
          index * labels.length,
          (index + 1) * labels.length,
        )
        const reference = indicators(example.labels, labels)
        counts.add(reference, indicators(multiLabelAnswer(row, labels, thresholdOf(config)).labels, labels))
        row.forEach((logit, label) => {
          const wrong = reference[label] === 1 ? -logit : logit
          loss += Math.max(wrong, 0) + Math.log1p(Math.exp(-Math.abs(wrong)))
        })
      })
    },
    result: () => ({
      exactMatch: exactMatch(counts),
      f1: averageScores(counts, 'macro').f1,
      microF1: averageScores(counts, 'micro').f1,
      loss: loss / (counts.total * labels.length),
    }),
  }
}

/** @throws ArgumentError */
function checkThreshold(threshold: unknown): void {
  if (threshold === undefined) return
  if (typeof threshold === 'number' && threshold > 0 && threshold < 1) return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'threshold',
    expected: 'a number above 0 and below 1',
    received: JSON.stringify(threshold),
    remedy: 'Leave it out for 0.5.',
  })
}
