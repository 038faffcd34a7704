import { ArgumentError, DataError } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  accuracy,
  averageScores,
  classificationReport,
  confusionMatrix,
  createCalibration,
  createConfusion,
  createLabelCounts,
  exactMatch,
  expectedCalibrationError,
  logLoss,
  matthewsCorrelation,
  type Average,
} from '../src/index'

const pairs = fc.integer({ min: 2, max: 6 }).chain((numLabels) =>
  fc.record({
    numLabels: fc.constant(numLabels),
    pairs: fc.array(fc.tuple(fc.nat(numLabels - 1), fc.nat(numLabels - 1)), { minLength: 1, maxLength: 60 }),
  }),
)

describe('createConfusion', () => {
  it('is the same whether examples come at once or one by one', () => {
    fc.assert(
      fc.property(pairs, ({ numLabels, pairs }) => {
        const references = pairs.map(([reference]) => reference)
        const predictions = pairs.map(([, prediction]) => prediction)
        const accumulated = createConfusion(numLabels)
        for (const [reference, prediction] of pairs) accumulated.add([reference], Int32Array.of(prediction))
        const whole = confusionMatrix(references, predictions, numLabels)
        expect(accumulated.matrix()).toEqual(whole.matrix())
        expect(accumulated.total).toBe(pairs.length)
        for (let label = 0; label < numLabels; label++) {
          const expected = pairs.filter(([left, right]) => left === label && right === 0).length
          expect(whole.count(label, 0)).toBe(expected)
        }
      }),
    )
  })

  it('renaming the classes changes no average', () => {
    fc.assert(
      fc.property(pairs, ({ numLabels, pairs }) => {
        const turn = (label: number) => (label + 1) % numLabels
        const straight = confusionMatrix(
          pairs.map(([reference]) => reference),
          pairs.map(([, prediction]) => prediction),
          numLabels,
        )
        const turned = confusionMatrix(
          pairs.map(([reference]) => turn(reference)),
          pairs.map(([, prediction]) => turn(prediction)),
          numLabels,
        )
        expect(accuracy(turned)).toBe(accuracy(straight))
        expect(matthewsCorrelation(turned)).toBeCloseTo(matthewsCorrelation(straight), 12)
        expect(averageScores(turned, 'macro').f1).toBeCloseTo(averageScores(straight, 'macro').f1, 12)
        expect(averageScores(turned, 'weighted').f1).toBeCloseTo(averageScores(straight, 'weighted').f1, 12)
      }),
    )
  })

  it('adds nothing of a batch with a mistake in it', () => {
    const confusion = createConfusion(2)
    expect(() => confusion.add([0, 1, 2], [0, 1, 1])).toThrow(ArgumentError)
    expect(confusion.total).toBe(0)
  })

  it('gives copies of its counts', () => {
    const confusion = confusionMatrix([0, 1], [0, 1], 2)
    const matrix = confusion.matrix()
    matrix[0]![0] = 99
    expect(confusion.matrix()).toEqual([
      [1, 0],
      [0, 1],
    ])
  })
})

describe('classificationReport', () => {
  it('names the classes', () => {
    const report = classificationReport(confusionMatrix([0, 1, 1], [0, 1, 0], 2), ['negative', 'positive'])
    expect(report.classes).toEqual([
      { label: 'negative', precision: 0.5, recall: 1, f1: 2 / 3, support: 1 },
      { label: 'positive', precision: 1, recall: 0.5, f1: 2 / 3, support: 2 },
    ])
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })
})

describe('mistakes', () => {
  const confusion = confusionMatrix([0, 1], [0, 1], 2)
  it.each<[string, () => unknown, typeof ArgumentError | typeof DataError, string]>([
    [
      'one class',
      () => createConfusion(1),
      ArgumentError,
      "createConfusion: 'numLabels' must be an integer of at least 2, but got 1. Pass the number of classes of the classifier.",
    ],
    [
      'different lengths',
      () => confusionMatrix([0, 1], [0], 2),
      ArgumentError,
      "add: 'predictions' must be as many as the 2 references, but got 1. Pass one prediction for each reference, in the same order.",
    ],
    [
      'an ignored label',
      () => confusionMatrix([0, -100], [0, 1], 2),
      ArgumentError,
      "add: 'references[1]' must be a class index from 0 to 1, but got -100. Turn label names and logits into class indices first, and leave out ignored labels such as -100.",
    ],
    [
      'a fraction',
      () => confusionMatrix([0, 1], [0, 0.5], 2),
      ArgumentError,
      "'predictions[1]' must be a class index",
    ],
    [
      'a count of no class',
      () => confusion.count(0, 2),
      ArgumentError,
      "count: 'prediction' must be a class index from 0 to 1, but got 2",
    ],
    [
      'an empty matrix',
      () => accuracy(createConfusion(3)),
      DataError,
      "accuracy: 'confusion' must be a confusion matrix of at least one example, but got an empty one. Add references and predictions before you ask for a metric.",
    ],
    ['an empty matrix', () => matthewsCorrelation(createConfusion(3)), DataError, 'matthewsCorrelation:'],
    [
      'an unknown average',
      () => averageScores(confusion, 'binary' as Average),
      ArgumentError,
      "averageScores: 'average' must be 'micro', 'macro' or 'weighted', but got 'binary'. For the scores of each class, call classScores.",
    ],
    [
      'too few names',
      () => classificationReport(confusion, ['negative']),
      ArgumentError,
      "classificationReport: 'labels' must be 2 names, one for each class, but got 1. Pass the label names in the order of the class indices.",
    ],
    [
      'logits',
      () => logLoss([0], [[2.5, -1]]),
      ArgumentError,
      "logLoss: 'probabilities[0]' must be probabilities that sum to 1, but got [2.5, -1]. Apply softmax to logits first.",
    ],
    ['not a number', () => logLoss([0], [[Number.NaN, 1]]), ArgumentError, 'but got [NaN, 1]'],
    [
      'too few rows',
      () => logLoss([0, 1], [[1, 0]]),
      ArgumentError,
      'must be one row for each of the 2 references, but got 1',
    ],
    [
      'no rows',
      () => logLoss([], []),
      DataError,
      "logLoss: 'probabilities' must be at least one row, but got empty",
    ],
    [
      'a reference past the row',
      () => logLoss([2], [[1, 0]]),
      ArgumentError,
      "'references[0]' must be a class index from 0 to 1, but got 2",
    ],
    [
      'no bins',
      () => expectedCalibrationError([0], [[1, 0]], 0),
      ArgumentError,
      "createCalibration: 'bins' must be an integer of at least 1, but got 0. Leave it out for the usual 15.",
    ],
    [
      'an empty calibration',
      () => createCalibration().error(),
      DataError,
      "error: 'calibration' must be one of at least one example, but got an empty one.",
    ],
    ['no labels', () => createLabelCounts(0), ArgumentError, "'numLabels' must be an integer of at least 1"],
    [
      'empty counts of labels',
      () => exactMatch(createLabelCounts(2)),
      DataError,
      "exactMatch: 'counts' must be counts of at least one example, but got empty ones.",
    ],
    ['empty counts of labels', () => averageScores(createLabelCounts(2), 'micro'), DataError, 'classScores:'],
    [
      'a probability for an indicator',
      () => createLabelCounts(2).add([1, 0], [0.9, 0]),
      ArgumentError,
      "add: 'prediction' must be 2 values of 0 or 1, but got [0.9, 0]. Compare probabilities with a threshold first.",
    ],
    [
      'too short a row of labels',
      () => createLabelCounts(2).add([1], [1, 0]),
      ArgumentError,
      "add: 'reference' must be 2 values of 0 or 1, but got [1].",
    ],
  ])('%s', (_, call, type, text) => {
    expect(call).toThrow(type)
    expect(call).toThrow(text)
    expect(call).toThrow(text)
  })
})

describe('expectedCalibrationError', () => {
  it('puts a probability on the edge of two bins into the lower one, whatever rounding makes of the product', () => {
    // 0.28 is 7/25, and 0.28 * 25 = 7.000000000000001: one right, one wrong in (6/25, 7/25].
    const rows = [
      [0.28, 0.24, 0.24, 0.24],
      [0.27, 0.26, 0.24, 0.23],
    ]
    expect(expectedCalibrationError([0, 1], rows, 25)).toBeCloseTo(0.225, 12)
  })
})
