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
export type { WriteOptions, WrittenText } from './chat-model/write-options'
export { loadChatModel, type LoadChatModelOptions } from './load-chat-model'
export {
  type ChatSession,
  type ChatSessionOptions,
  createChatSession,
  restoreChatSession,
} from './session/chat-session'
export type { SavedChatSession } from './session/saved-session'
