export * from './base'
export * from './checkpoint'
export * from './export/onnx'
export * from './gguf'
export * from './safetensors'
export * from './tokenizer'
export * from './torch-file'
export * from './weights'
export { firstToken, meanPool, unitLength } from './blocks/heads'
export type { Activation } from './blocks/layers'
export type { Parameters, ParameterSpec, ParameterSpecs } from './blocks/parameters'
export type {
  AlbertConfig,
  BertConfig,
  DistilBertConfig,
  ElectraConfig,
  EncoderConfig,
  ModelType,
  MpnetConfig,
  ProblemType,
  RobertaConfig,
  Task,
} from './config/encoder-config'
export { formatConfig, readConfig, withLabels } from './config/read-config'
export { modelFamily, supportedModelTypes } from './models'
export { albert } from './models/albert'
export { bert } from './models/bert'
export { distilBert } from './models/distilbert'
export { electra } from './models/electra'
export { initializeParameter } from './models/initialize'
export type { EncoderInputs, MaskedLanguageModelRun, ModelFamily, ModelRun } from './models/model-family'
export { mpnet } from './models/mpnet'
export { roberta, xlmRoberta } from './models/roberta'
