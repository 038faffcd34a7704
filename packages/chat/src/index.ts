export {
  type ApplyTemplateOptions,
  type ChatTemplate,
  type ChatTemplateOptions,
  createChatTemplate,
  type EncodedChat,
} from './template/chat-template'
export { chatTemplates } from './template/built-in-templates'
export type { ChatContentPart, ChatMessage, ChatRole } from './template/messages'
export { type ChatModel, type ChatModelParts, createChatModel } from './chat-model/chat-model'
export type { ReplyCache } from './chat-model/reply-cache'
export type { WriteOptions, WrittenText } from './chat-model/write-options'
export {
  type ChatSession,
  type ChatSessionOptions,
  createChatSession,
  restoreChatSession,
} from './session/chat-session'
export type { SavedChatSession } from './session/saved-session'
export { load, type LoadOptions } from './tuning/load'
export { transfer } from './tuning/transfer'
export type { ChatOptions } from './tuning/chat-options'
export type { ChatScore, EvaluateOptions, TunedChatModel } from './tuning/tuned-model'
export {
  describeSettings,
  learnedSoFar,
  type SaveOptions,
  type Setting,
  type TransferDataset,
  type TransferOptions,
} from '@tfx/transfer'
