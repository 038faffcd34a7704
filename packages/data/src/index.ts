export * from './batches'
export * from './class-weights'
export * from './collate'
export * from './columns'
export {
  labelledExamples,
  type LabelledExample,
  type LabelledExamples,
  type LabelledExamplesOptions,
} from './examples'
export * from './labels'
export * from './multi-label-examples'
export * from './pack-sentences'
export * from './read-rows'
export * from './sentences'
export * from './split'
export * from './text-fault'
export * from './weighted-sample'
