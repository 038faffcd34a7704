export type { Base, NewModel, TrainedModel } from './base'
export type { TransferDataset } from './dataset'
export { createEmbedder, type Embedder, type EmbedOptions } from './embed'
export type { AnsweredText, HeadRun, Score, TaskHead, TextInput, TokensOfTexts, TrainedWeights } from './head'
export { headTask } from './head-task'
export { answerStream, type AnswerStreamOptions, type PartOfStream, textPlace } from './answer-stream'
export { learnedSoFar } from './learned'
export { loadFor, type LoadOptions, loadTask } from './load'
export type { PredictOptions, TransferModel } from './model'
export type { TransferOptions } from './options'
export { pretrain } from './pretrain/pretrain'
export type { PretrainOptions, PretrainPair } from './pretrain/options'
export type { PretrainedModel, PretrainedSaveOptions } from './pretrain/pretrained-model'
export type { DistillationTargets } from './pretrain/masked-batches'
export type { Weights } from './runtime'
export type { SaveOptions } from './save-model'
export { describeSettings, type Setting, type SettingDefaults, type SettingOrigin } from './settings'
export type { AdapterChoice } from './switched-adapters'
export type {
  EncodedExample,
  EncodeTaskOptions,
  Evaluation,
  LossRun,
  ReadExamples,
  TaskBasics,
  TaskBatch,
  TrainedParts,
  TransferTask,
} from './task'
export { inThread, type ThreadCall } from './thread/in-thread'
export { serveThread } from './thread/serve'
export { runTask, transferTo, type TransferSource } from './transfer'
export type { LanguageModel, StreamOptions, WriteOptions } from './writing/language-model'
export { type ModelBasics, modelBasics } from './writing/model-basics'
export { encodePairs, type EncodePairsOptions } from './writing/encode-pairs'
export { incompleteNotes, type IncompleteRows } from './writing/incomplete-rows'
export type { WritingEncoding, WritingHead, WritingModelConfig, WritingOptions } from './writing/writing-head'
export { loadWriter, transferWriting } from './writing/transfer-writing'
export { writingTask } from './writing/writing-task'
