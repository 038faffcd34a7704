import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  accuracy,
  averageScores,
  classificationReport,
  classScores,
  confusionMatrix,
  createCalibration,
  createLabelCounts,
  exactMatch,
  expectedCalibrationError,
  logLoss,
  matthewsCorrelation,
  type ClassScores,
  type Scores,
} from '../src/index'

interface Case {
  name: string
  numLabels: number
  references: number[]
  predictions: number[]
  confusion: number[][]
  accuracy: number
  matthewsCorrelation: number
  classes: ClassScores[]
  micro: Scores
  macro: Scores
  weighted: Scores
  probabilities?: number[][]
  logLoss?: number
  expectedCalibrationError?: Record<string, number>
}

interface MultiLabelCase extends Pick<Case, 'name' | 'classes' | 'micro' | 'macro' | 'weighted'> {
  references: number[][]
  predictions: number[][]
  exactMatch: number
}

const fixture = new URL('../../../fixtures/metrics/classification.json', import.meta.url)
const { cases, multiLabelCases } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  cases: Case[]
  multiLabelCases: MultiLabelCase[]
}

const tolerance = 1e-12

function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected), `${actual} against ${expected}`).toBeLessThanOrEqual(tolerance)
}

function expectScores(actual: Scores, expected: Scores): void {
  expectClose(actual.precision, expected.precision)
  expectClose(actual.recall, expected.recall)
  expectClose(actual.f1, expected.f1)
}

describe.each(cases)('scikit-learn: $name', (expected) => {
  const confusion = confusionMatrix(expected.references, expected.predictions, expected.numLabels)

  it('confusion matrix', () => expect(confusion.matrix()).toEqual(expected.confusion))

  it('accuracy', () => expectClose(accuracy(confusion), expected.accuracy))

  it('Matthews correlation', () => expectClose(matthewsCorrelation(confusion), expected.matthewsCorrelation))

  it('precision, recall, F1 and support of each class', () => {
    const scores = classScores(confusion)
    expect(scores.map(({ support }) => support)).toEqual(expected.classes.map(({ support }) => support))
    expected.classes.forEach((each, label) => expectScores(scores[label]!, each))
  })

  it.each(['micro', 'macro', 'weighted'] as const)('%s average', (average) =>
    expectScores(averageScores(confusion, average), expected[average]),
  )

  it('report', () => {
    const report = classificationReport(confusion)
    expectClose(report.accuracy, expected.accuracy)
    expectClose(report.matthewsCorrelation, expected.matthewsCorrelation)
    expectScores(report.macro, expected.macro)
    expectScores(report.weighted, expected.weighted)
    expected.classes.forEach((each, label) => expectScores(report.classes[label] as ClassScores, each))
    expect(report.confusion).toEqual(expected.confusion)
    expect(report.support).toBe(expected.references.length)
  })
})

describe.each(multiLabelCases)('scikit-learn, several labels: $name', (expected) => {
  const counts = createLabelCounts(expected.classes.length)
  expected.references.forEach((reference, index) => counts.add(reference, expected.predictions[index]!))

  it('exact match', () => expectClose(exactMatch(counts), expected.exactMatch))

  it('precision, recall, F1 and support of each label', () => {
    const scores = classScores(counts)
    expect(scores.map(({ support }) => support)).toEqual(expected.classes.map(({ support }) => support))
    expected.classes.forEach((each, label) => expectScores(scores[label]!, each))
  })

  it.each(['micro', 'macro', 'weighted'] as const)('%s average', (average) =>
    expectScores(averageScores(counts, average), expected[average]),
  )
})

const withProbabilities = cases.filter(({ probabilities }) => probabilities !== undefined)

describe.each(withProbabilities)(
  'probabilities: $name',
  ({ references, probabilities = [], ...expected }) => {
    it('log loss', () => expectClose(logLoss(references, probabilities), expected.logLoss!))

    it.each(Object.entries(expected.expectedCalibrationError ?? {}))(
      'expected calibration error, %s bins',
      (bins, error) => expectClose(expectedCalibrationError(references, probabilities, Number(bins)), error),
    )

    it('expected calibration error, batch by batch', () => {
      const calibration = createCalibration()
      for (let start = 0; start < references.length; start += 3)
        calibration.add(references.slice(start, start + 3), probabilities.slice(start, start + 3))
      expectClose(calibration.error(), expected.expectedCalibrationError!['15']!)
    })
  },
)
