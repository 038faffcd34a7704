export {
  type ApplyTemplateOptions,
  type ChatTemplate,
  type ChatTemplateOptions,
  createChatTemplate,
  type EncodedChat,
} from './template/chat-template'
export { chatTemplates } from './template/built-in-templates'
export type { ChatContentPart, ChatMessage, ChatRole } from './template/messages'
