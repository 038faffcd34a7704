export { adamW, type AdamWOptions } from './adamw'
export { clipCoefficient, findNonFinite, globalNorm } from './gradients'
export type { Optimizer, OptimizerUpdate, StepSettings } from './optimizer'
export { type ParameterGroup, parameterGroups } from './parameter-groups'
export * from './schedules/index'
export { accumulateSlot, copySlot, type SlotPair } from './slots'
export * from './events'
export { fit } from './fit'
export {
  type BestMetric,
  type FitOptions,
  fitSlots,
  type SlotOptions,
  type TrainingBatch,
} from './fit-options'
export { progressReporter, type ProgressOptions } from './progress'
