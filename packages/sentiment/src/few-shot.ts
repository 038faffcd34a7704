import { ArgumentError } from '@tfx/common'
import { type EncoderConfig, modelFamily } from '@tfx/core'
import { balancedSampleWeights, type LabelledExample } from '@tfx/data'
import {
  headTask,
  type TaskHead,
  type TrainedParts,
  type TrainedWeights,
  type TransferModel,
} from '@tfx/transfer'
import type { SentimentAnswer } from './answer'
import { classesOf } from './calibrate'
import { contrastiveLoss } from './contrastive-loss'
import { sentimentHead } from './head'
import { logisticRegression } from './logistic-regression'
import type { SentimentOptions } from './options'

/** What a label's name is put into; the names say much that few examples cannot. */
const usualTemplates = ['{label}', 'This is {label}.', 'a {label} review', 'It was {label}.']

/** How few-shot learning trains; what comes out is a model of {@link sentimentHead}. */
const learner: TaskHead<LabelledExample, SentimentAnswer, SentimentOptions> = {
  ...sentimentHead,
  options: ['fewShot', 'multiLabel', 'labels', 'unlabelled', 'textColumn', 'labelColumn', 'textPairColumn'],
  defaults: { maxSteps: 30, batchSize: 16, learningRate: 1e-4, warmupRatio: 0.1, batching: 'random' },
  sampleWeights: (examples) => balancedSampleWeights(examples.map(({ label }) => label)),

  async read(dataset, options) {
    const { examples, notes } = await sentimentHead.read(dataset, options)
    const named = labelNames(examples, templatesOf(options))
    if (named.length === 0) return { examples, notes }
    const note = `Beside the examples, ${named.length} sentences are learned from that the labels' names make.`
    return { examples: [...examples, ...named], notes: [...notes, note] }
  },

  forward(parameters, inputs, { family, ...run }) {
    const hidden = family.backbone(parameters, inputs, run)
    // Without the head's dropout: what the regression reads has none.
    const head = { ...run, training: false, attentionMask: inputs.attentionMask }
    return { embedding: family.classifierInput(parameters, hidden, head) }
  },

  loss: ({ embedding }, { labels }) => contrastiveLoss(embedding!, labels!),

  async finish(trained) {
    const { weight, bias } = logisticRegression(await trainingVectors(trained))
    const layer = modelFamily(trained.config.modelType).classifierLayer
    trained.write(`${layer}.weight`, weight)
    trained.write(`${layer}.bias`, bias)
    return []
  },
}

/**
 * Sentiment from 8 to 64 examples of each label, as SetFit does it (Tunstall et al. 2022, [Efficient Few-Shot Learning
 * Without Prompts](https://arxiv.org/abs/2209.11055)): contrastive tuning of the encoder, then a logistic regression. What
 * is tuned is the vector that the classifier's last layer reads, and the regression becomes that layer, so that the result
 * is a classifier like any other.
 */
export const fewShotTask = {
  ...headTask(learner),
  model: (parts: TrainedParts<EncoderConfig>): Promise<TransferModel<SentimentAnswer, SentimentOptions>> =>
    headTask(sentimentHead).model(parts),
}

/** As many sentences for each label as it has examples. */
function labelNames(examples: readonly LabelledExample[], templates: readonly string[]): LabelledExample[] {
  // Of a pair nobody knows what else to say, and numbers mean nothing.
  const isSaying = (label: string) => /\p{L}/u.test(label)
  if (templates.length === 0 || examples.some(({ textPair }) => textPair !== undefined)) return []
  const counts = new Map<string, number>()
  return examples.flatMap(({ label }) => {
    const count = counts.get(label) ?? 0
    counts.set(label, count + 1)
    const template = templates[count % templates.length]!
    return isSaying(label) ? [{ text: template.replaceAll('{label}', label), label }] : []
  })
}

/** @throws ArgumentError */
function templatesOf({ fewShot }: SentimentOptions): readonly string[] {
  const { templates: given, ...others }: { templates?: unknown } = typeof fewShot === 'object' ? fewShot : {}
  const [unknown] = Object.keys(others)
  if (given === undefined && unknown === undefined) return usualTemplates
  const isTemplate = (each: unknown) => typeof each === 'string' && each.includes('{label}')
  if (unknown === undefined && Array.isArray(given) && given.every(isTemplate)) return given as string[]
  throw new ArgumentError({
    function: 'transfer',
    argument: 'fewShot.templates',
    expected: 'a list of sentences with {label} in them',
    received: unknown === undefined ? JSON.stringify(given) : `'${unknown}'`,
    remedy: "For instance ['This is {label}.'], or [] to learn from the examples alone.",
  })
}

async function trainingVectors({ config, outputs }: TrainedWeights<LabelledExample>) {
  const vectors: number[] = []
  const classes: number[] = []
  for await (const batch of outputs('training')) {
    for (const value of batch.outputs.embedding!.data as Float32Array) vectors.push(value)
    classes.push(...classesOf(batch.examples, config))
  }
  return { vectors: Float32Array.from(vectors), classes, numClasses: config.labels.length }
}
