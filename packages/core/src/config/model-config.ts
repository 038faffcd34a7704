import type { DecoderConfig, DecoderTask } from './decoder-config'
import type { EncoderConfig, EncoderTask } from './encoder-config'
import type { SequenceToSequenceConfig, SequenceToSequenceTask } from './sequence-to-sequence-config'

/** The configurations of each kind of model: families of a kind have a backbone of the same shape. */
export interface ConfigKinds {
  encoder: EncoderConfig
  decoder: DecoderConfig
  'encoder-decoder': SequenceToSequenceConfig
}

export type ModelKind = keyof ConfigKinds

/** The configuration of a model of any kind. */
export type ModelConfig = ConfigKinds[ModelKind]

/** What a model of any kind is built for; decides which head it has. */
export type Task = EncoderTask | DecoderTask | SequenceToSequenceTask

/** Every supported `model_type`. */
export type ModelType = ModelConfig['modelType']
