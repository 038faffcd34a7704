import { accuracy, averageScores, confusionMatrix } from '@tfx/metrics'
import Sentiment from 'sentiment'

const labels = ['negative', 'positive']

/** Accuracy and macro F1 of predicted labels. */
export function scoresOf(examples, predictions) {
  const confusion = confusionMatrix(
    examples.map(({ label }) => labels.indexOf(label)),
    predictions.map((label) => labels.indexOf(label)),
    labels.length,
  )
  return { accuracy: accuracy(confusion), f1: averageScores(confusion, 'macro').f1 }
}

/** The most frequent label of the training data, whatever the text. */
export function majority(train, test) {
  const positive = train.filter(({ label }) => label === 'positive').length
  const label = positive * 2 >= train.length ? 'positive' : 'negative'
  return scoresOf(
    test,
    test.map(() => label),
  )
}

/** The word list of Nielsen 2011 (AFINN), by the package `sentiment`; a score of 0 counts as negative. */
export function afinn(test) {
  const scorer = new Sentiment()
  return scoresOf(
    test,
    test.map(({ text }) => (scorer.analyze(text).score > 0 ? 'positive' : 'negative')),
  )
}
