export { loadCheckpoint, type Checkpoint } from './load-checkpoint'
export {
  initializeParameters,
  type LoadParametersOptions,
  type LoadReport,
  type WriteParameter,
} from './load-parameters'
export {
  saveCheckpoint,
  writeCheckpointFiles,
  type CheckpointContents,
  type SaveCheckpointOptions,
} from './save-checkpoint'
