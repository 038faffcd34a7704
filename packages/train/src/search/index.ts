export { gridSampler } from './grid-sampler'
export type { Objective } from './objective'
export {
  medianPruner,
  type MedianPrunerOptions,
  type Pruner,
  type PrunerQuestion,
  successiveHalvingPruner,
  type SuccessiveHalvingOptions,
} from './pruner'
export { randomSampler, type Sampler, type SamplerQuestion } from './sampler'
export { search } from './search'
export { SearchAbortedError, type SearchEvent, type SearchResult } from './search-events'
export type { SearchOptions } from './search-options'
export {
  type Choice,
  choice,
  type ChoiceDimension,
  type Dimension,
  integer,
  logUniform,
  type NumberDimension,
  type SearchParameters,
  type SearchSpace,
  uniform,
} from './space'
export { tpeSampler, type TpeOptions } from './tpe-sampler'
export type { SearchDirection, Trial, TrialRecord, TrialReport } from './trial'
