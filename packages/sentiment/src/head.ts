import { softmaxCrossEntropy } from '@tfx/backend'
import { ArgumentError, CheckpointError } from '@tfx/common'
import { type EncoderConfig, withLabels } from '@tfx/core'
import {
  balancedClassWeights,
  balancedSampleWeights,
  classLabels,
  discoverLabels,
  encodeClassWeights,
  labelledExamples,
  type LabelledExample,
  type ResolvedColumns,
  stratifiedSplit,
} from '@tfx/data'
import {
  accuracy,
  averageScores,
  createCalibration,
  createConfusion,
  matthewsCorrelation,
} from '@tfx/metrics'
import type { Score, TaskHead } from '@tfx/transfer'
import { answerFrom, type SentimentAnswer } from './answer'
import { calibrate, classesOf } from './calibrate'
import type { SentimentOptions } from './options'

/** Sentiment as sequence classification: any number of labels of any name, for one text or a pair. */
export const sentimentHead: TaskHead<LabelledExample, SentimentAnswer, SentimentOptions> = {
  name: 'sentiment',
  thread: new URL('./thread.js', import.meta.url),
  task: 'sequence-classification',
  options: [
    'labels',
    'unlabelled',
    'labelSmoothing',
    'classWeights',
    'sampling',
    'calibrate',
    'fewShot',
    'multiLabel',
    'textColumn',
    'labelColumn',
    'textPairColumn',
  ],
  best: { metric: 'accuracy', mode: 'max' },
  targetInputs: () => ({ labels: { shape: ['batch'], dtype: 'int32' } }),

  async read(dataset, { textColumn, labelColumn, textPairColumn, unlabelled, signal }) {
    const given = { textColumn, labelColumn, textPairColumn, unlabelled, signal }
    const { examples, columns, dropped } = await labelledExamples(dataset, onlyDefined(given))
    const notes = describeColumns(columns)
    return {
      examples,
      notes: dropped === 0 ? notes : [...notes, `${dropped} rows without a label were dropped.`],
    }
  },

  split: (examples, options) => stratifiedSplit(examples, { ...options, by: ({ label }) => label }),

  configure(config, examples, { labels, labelSmoothing = 0, classWeights, sampling }) {
    checkLabelSmoothing(labelSmoothing)
    checkBalance({ classWeights, sampling })
    const found = new Set(examples.map(({ label }) => label))
    // Without a list this also refuses data of one class; with one, what is in the data still decides.
    discoverLabels(found)
    const names = discoverLabels(found, labels === undefined ? {} : { labels })
    if (typeof classWeights === 'object') encodeClassWeights(classWeights, names)
    return withLabels(config, names)
  },

  resolveOptions: (options, examples) =>
    options.classWeights === 'auto'
      ? { ...options, classWeights: balancedClassWeights(examples.map(({ label }) => label)) }
      : options,

  sampleWeights: (examples, { sampling }) =>
    sampling === 'balanced'
      ? balancedSampleWeights(examples.map(({ label }) => label))
      : sampling && examples.map(sampling),

  checkModel({ labels, problemType = 'single_label_classification' }) {
    if (problemType === 'single_label_classification' && labels.length >= 2) return
    throw new CheckpointError({
      function: 'load',
      argument: 'source',
      expected: 'a classifier of two or more labels that exclude one another',
      received: `one for ${problemType} with ${labels.length} ${labels.length === 1 ? 'label' : 'labels'}`,
      remedy: 'Fine-tune it on labelled texts first: transfer(base, dataset).',
    })
  },

  targets: (examples, config) => ({
    labels: classLabels(classesOf(examples, config), config.labels.length),
  }),

  forward(parameters, inputs, { family, ...run }) {
    const hidden = family.backbone(parameters, inputs, run)
    return {
      logits: family.sequenceClassificationHead(parameters, hidden, {
        ...run,
        attentionMask: inputs.attentionMask,
      }),
    }
  },

  loss: ({ logits }, { labels }, { labelSmoothing = 0, config, ...options }) =>
    softmaxCrossEntropy(required(logits), required(labels), {
      labelSmoothing,
      classWeights: weightsOf(options, config),
    }),

  batchWeight(examples, config, options) {
    const weights = weightsOf(options, config)
    return weights === undefined
      ? examples.length
      : examples.reduce((sum, { label }) => sum + weights[config.labels.indexOf(label)]!, 0)
  },

  finish: async (trained, options) => (options.calibrate ? [await calibrate(trained)] : []),

  score: createScore,

  answer: ({ logits }, config) => answerFrom(required(logits), config.labels),

  labelled: { expected: ({ label }) => label, answered: (answer) => answer },
}

/** The weights of the labels in the model's order, once the data has decided them. */
function weightsOf({ classWeights }: SentimentOptions, { labels }: EncoderConfig): number[] | undefined {
  return typeof classWeights === 'object' ? encodeClassWeights(classWeights, labels) : undefined
}

/** Accuracy, macro F1, Matthews correlation, the expected calibration error, and the mean loss. */
function createScore(config: EncoderConfig): Score<LabelledExample> {
  const confusion = createConfusion(config.labels.length)
  const calibration = createCalibration()
  let loss = 0
  return {
    add(examples, { logits }) {
      const rows = required(logits)
      const width = config.labels.length
      const references = classesOf(examples, config)
      const answers = references.map((_, index) =>
        answerFrom((rows.data as Float32Array).subarray(index * width, (index + 1) * width), config.labels),
      )
      const probabilities = answers.map(({ scores }) => config.labels.map((label) => scores[label]!))
      references.forEach((reference, index) => {
        loss -= Math.log(Math.max(probabilities[index]![reference]!, Number.MIN_VALUE))
      })
      confusion.add(
        references,
        answers.map(({ label }) => config.labels.indexOf(label)),
      )
      calibration.add(references, probabilities)
    },
    result: () => ({
      accuracy: accuracy(confusion),
      f1: averageScores(confusion, 'macro').f1,
      matthewsCorrelation: matthewsCorrelation(confusion),
      expectedCalibrationError: calibration.error(),
      loss: loss / confusion.total,
    }),
  }
}

/** @throws ArgumentError */
function checkLabelSmoothing(labelSmoothing: unknown): void {
  if (typeof labelSmoothing === 'number' && labelSmoothing >= 0 && labelSmoothing < 1) return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'labelSmoothing',
    expected: 'a number of at least 0 and below 1',
    received: String(labelSmoothing),
    remedy: 'Leave it out to use the default.',
  })
}

/** @throws ArgumentError */
function checkBalance({ classWeights, sampling }: Readonly<Record<string, unknown>>): void {
  const isWeights = typeof classWeights === 'object' && classWeights !== null
  if (classWeights !== undefined && classWeights !== 'auto' && !isWeights)
    throw wrongBalance('classWeights', "'auto' or an object from label to weight", classWeights)
  if (sampling !== undefined && sampling !== 'balanced' && typeof sampling !== 'function')
    throw wrongBalance('sampling', "'balanced' or a function from example to weight", sampling)
}

const wrongBalance = (argument: string, expected: string, received: unknown) =>
  new ArgumentError({
    function: 'transfer',
    argument,
    expected,
    received: String(received),
    remedy: 'Leave it out to have every example count the same.',
  })

/** Says which columns were guessed. */
export function describeColumns({ text, label, textPair }: ResolvedColumns): string[] {
  const guessed = [text, label, textPair].filter((column) => column?.origin === 'discovered')
  if (guessed.length === 0) return []
  return [`Columns by their names: ${guessed.map((column) => `'${column?.name}'`).join(', ')}.`]
}

function required<T>(value: T | undefined): T {
  return value as T
}

/** Drops keys whose value is undefined, as exact optional properties want. */
export function onlyDefined<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
