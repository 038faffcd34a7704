import type { ColumnOptions, LabelledExample } from '@tfx/data'

/** What sentiment takes beside the options of every `transfer`. */
export interface SentimentOptions extends ColumnOptions {
  /** The labels, in the order that the model is to have. Default: those of the data, sorted. */
  labels?: readonly string[]
  /** What to do with rows without a label. Default `error`. */
  unlabelled?: 'error' | 'drop'
  /** ε of label smoothing. Default 0. */
  labelSmoothing?: number
  /**
   * How much the examples of each label count in the loss, as torch's `CrossEntropyLoss(weight)`; labels that are not named
   * count as 1. `auto` has all labels count the same, however many examples they have. Default: every example counts the
   * same.
   */
  classWeights?: 'auto' | Readonly<Record<string, number>>
  /**
   * `balanced` draws examples of every label equally often, with replacement; a function says how often each example is
   * drawn, relative to others. Default: every example once in each epoch.
   */
  sampling?: 'balanced' | ((example: LabelledExample) => number)
  /**
   * Divide the classifier's weights by the temperature that suits the validation examples best, so that scores are as high
   * as answers are right: of those of 0.8, four in five. No answer changes. Default false.
   */
  calibrate?: boolean
  /**
   * Learn from few examples, 8 to 64 of each label: contrastive tuning, then a logistic regression. Other defaults hold
   * then, and no examples are set aside. `templates`: sentences to put the labels' names into, which are learned from beside
   * the examples; write them in the language of the texts, or [] for none. Default false.
   */
  fewShot?: boolean | { readonly templates?: readonly string[] }
  /**
   * Each text may have several labels, or none: a list, or a string that separates them by `|` or `;`. Default false.
   */
  multiLabel?: boolean
  /**
   * From which probability on a text has a label, with `multiLabel`; above 0 and below 1. It is kept in config.json as
   * `multi_label_threshold`. Default 0.5.
   */
  threshold?: number
}
