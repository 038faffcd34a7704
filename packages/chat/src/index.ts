export { type ChatModel, type ChatModelParts, createChatModel } from './chat-model/chat-model'
export type { ChatMessage } from './chat-model/messages'
export type { WriteOptions, WrittenText } from './chat-model/write-options'
export { loadChatModel, type LoadChatModelOptions } from './load-chat-model'
export {
  type ChatSession,
  type ChatSessionOptions,
  createChatSession,
  restoreChatSession,
} from './session/chat-session'
export type { SavedChatSession } from './session/saved-session'
