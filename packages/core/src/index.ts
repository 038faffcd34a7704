export * from './adapters'
export * from './base'
export * from './checkpoint'
export { exportDecoder, type DecoderExportOptions } from './export/decoder'
export {
  exportSequenceToSequence,
  sequenceOnnxFiles,
  type SequenceExportOptions,
} from './export/sequence-to-sequence'
export { exportEncoder, type ExportOptions, type ExportTask } from './export/encoder'
export { onnxFiles, type OnnxPrecision, type OnnxWriter } from './export/program'
export * from './generation'
export * from './gguf'
export * from './safetensors'
export * from './tokenizer'
export * from './torch-file'
export * from './weights'
export { firstToken, meanPool, unitLength } from './blocks/heads'
export { causalBias, positionsOfMask } from './blocks/attention-bias'
export type { DecoderInputs, DecoderOutputs } from './blocks/decoder-stack'
export type { Activation } from './blocks/layers'
export { causalLanguageModelLoss, nextTokenLabels } from './blocks/next-token'
export type { Parameters, ParameterSpec, ParameterSpecs } from './blocks/parameters'
export type { RopeParameters } from './blocks/rotary'
export type { KeyValues } from './blocks/scaled-attention'
export { type ChangeWords, isWordTable } from './blocks/word-embedding'
export type {
  DecoderConfig,
  DecoderTask,
  Gpt2Config,
  LayerType,
  RotaryDecoderConfig,
} from './config/decoder-config'
export type {
  AlbertConfig,
  BertConfig,
  DebertaConfig,
  DistilBertConfig,
  ElectraConfig,
  EncoderConfig,
  EncoderTask,
  ModernBertConfig,
  MpnetConfig,
  ProblemType,
  RobertaConfig,
} from './config/encoder-config'
export type {
  BartConfig,
  PositionKind,
  SequenceToSequenceConfig,
  SequenceToSequenceTask,
  T5Config,
} from './config/sequence-to-sequence-config'
export type { ModelConfig, ModelKind, ModelType, Task } from './config/model-config'
export { formatConfig, readConfig, withLabels } from './config/read-config'
export { modelFamily, supportedModelTypes, type ModelFamily } from './models'
export { albert } from './models/albert'
export { bart, m2m100, marian, mbart, pegasus, transformer } from './models/bart'
export { bert } from './models/bert'
export { lastToken, type DecoderFamily, type DecoderRun } from './models/decoder-family'
export { debertaV2 } from './models/deberta'
export { distilBert } from './models/distilbert'
export { electra } from './models/electra'
export type { EncoderFamily, EncoderInputs, MaskedLanguageModelRun, ModelRun } from './models/encoder-family'
export type { ComputedTable, Family } from './models/family'
export { decoderTransformer, gpt2 } from './models/gpt2'
export { initializeParameter } from './models/initialize'
export { modernBert } from './models/modernbert'
export { mpnet } from './models/mpnet'
export { roberta, xlmRoberta } from './models/roberta'
export { gemma2, gemma3, llama, mistral, phi3, qwen2, qwen3 } from './models/rotary-decoders'
export type {
  CrossDecoderInputs,
  SequenceToSequenceFamily,
  SequenceToSequenceRun,
} from './models/sequence-to-sequence-family'
export { mt5, t5 } from './models/t5'
export {
  decoderTransformerConfig,
  transformerConfig,
  type TransformerSizes,
} from './models/transformer-config'
