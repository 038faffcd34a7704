import type { InputSpec, StepFunction } from '@tfx/backend'
import {
  type DecoderConfig,
  type EncoderConfig,
  modelFamily,
  type ParameterSpecs,
  type SequenceToSequenceConfig,
  type Task,
} from '@tfx/core'
import type { TrainingBatch } from '@tfx/train'
import { maskedObjective } from './masked-objective'
import { nextTokenObjective } from './next-token-objective'
import type { ResolvedPretrainOptions } from './options'
import { spanCorruptionObjective } from './span-corruption-objective'

/** What a model learns from text: how texts become batches, and what a step computes. */
export interface Objective {
  /** Decides which head the model has while it learns. */
  readonly task: Task
  /** Parameters that are trained beside the model's, and thrown away afterwards. */
  readonly companions?: ParameterSpecs
  /** The inputs of a step. */
  inputs(training: boolean): Record<string, InputSpec>
  /** A step whose `loss` is a mean over the targets of its batch. */
  step(training: boolean): StepFunction
  /** The batches of one epoch, a function of the seed and the epoch's number. */
  batches(epoch: number): Iterable<TrainingBatch>
  /** The same batches of held-out text at every evaluation. */
  readonly heldOut: readonly TrainingBatch[]
}

/** The objective of a kind of model: masked words, corrupted spans, or the next token. */
export function objectiveOf(settings: ResolvedPretrainOptions): Objective {
  switch (modelFamily(settings.config.modelType as string).kind) {
    case 'encoder':
      return maskedObjective(settings as ResolvedPretrainOptions<EncoderConfig>)
    case 'encoder-decoder':
      return spanCorruptionObjective(settings as ResolvedPretrainOptions<SequenceToSequenceConfig>)
    case 'decoder':
      return nextTokenObjective(settings as ResolvedPretrainOptions<DecoderConfig>)
  }
}
