import { modelFamily } from '@tfx/core'
import { balancedSampleWeights, type LabelledExample } from '@tfx/data'
import type { TaskHead, TrainedWeights } from '@tfx/transfer'
import type { SentimentAnswer } from './answer'
import { classesOf } from './calibrate'
import { contrastiveLoss } from './contrastive-loss'
import { sentimentHead } from './head'
import { logisticRegression } from './logistic-regression'
import type { SentimentOptions } from './options'

/**
 * Sentiment from 8 to 64 examples of each label, as SetFit does it: contrastive tuning of the encoder, then a logistic
 * regression. What is tuned is the vector that the classifier's last layer reads, and the regression becomes that layer, so
 * that the result is a classifier like any other.
 */
export const fewShotHead: TaskHead<LabelledExample, SentimentAnswer, SentimentOptions> = {
  ...sentimentHead,
  options: ['fewShot', 'multiLabel', 'labels', 'unlabelled', 'textColumn', 'labelColumn', 'textPairColumn'],
  defaults: { maxSteps: 40, batchSize: 16, learningRate: 1e-4, warmupRatio: 0.1, batching: 'random' },
  sampleWeights: (examples) => balancedSampleWeights(examples.map(({ label }) => label)),

  forward(parameters, inputs, { family, ...run }) {
    const hidden = family.backbone(parameters, inputs, run)
    const head = { ...run, attentionMask: inputs.attentionMask }
    return {
      logits: family.sequenceClassificationHead(parameters, hidden, head),
      // Without the head's dropout: what the regression reads has none.
      embedding: family.classifierInput(parameters, hidden, { ...head, training: false }),
    }
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

async function trainingVectors({ config, outputs }: TrainedWeights<LabelledExample>) {
  const vectors: number[] = []
  const classes: number[] = []
  for await (const batch of outputs('training')) {
    for (const value of batch.outputs.embedding!.data as Float32Array) vectors.push(value)
    classes.push(...classesOf(batch.examples, config))
  }
  return { vectors: Float32Array.from(vectors), classes, numClasses: config.labels.length }
}
