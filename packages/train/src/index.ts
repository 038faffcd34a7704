export type { AdversarialTraining } from './adversarial'
export * from './augmentation/index'
export type { WeightAveraging } from './averaging'
export type { CheckpointSettings } from './checkpoint-options'
export { clipCoefficient, clipEach, type EachClipping, type GradientClipping } from './clipping'
export { findNonFinite, globalNorm } from './gradients'
export { parameterDepths, withGradualUnfreezing, withLayerwiseDecay } from './layer-groups'
export * from './optimizers/index'
export { type ParameterGroup, parameterGroups } from './parameter-groups'
export * from './regularization/index'
export * from './schedules/index'
export * from './search/index'
export { accumulateSlot, type AccumulateOptions, copySlot, swapSlots, type SlotPair } from './slots'
export * from './events'
export {
  findLearningRate,
  type FindLearningRateOptions,
  type LearningRateFinding,
  plotLearningRates,
} from './find-learning-rate'
export { fit } from './fit'
export {
  type BestMetric,
  type FitOptions,
  fitSlots,
  type SlotOptions,
  type TrainingBatch,
} from './fit-options'
export { combineHandlers, type TrainingEventHandler } from './logging/combine-handlers'
export { jsonLinesLogger, type JsonLinesLoggerOptions } from './logging/json-lines-logger'
export { reportHtml, type ReportedSetting, type RunReport, writeReport } from './logging/report'
export type { JudgedAnswers, JudgedExample } from './logging/report-answers'
export type { DataSummary } from './logging/report-data'
export { tensorBoardLogger, type TensorBoardLoggerOptions } from './logging/tensor-board-logger'
export { interruption, type Interruption } from './interruption'
export { progressReporter, type ProgressOptions } from './progress'
