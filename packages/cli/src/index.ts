export { type ChatServer, createChatServer } from './serve/chat-server'
export type { AnsweredRequest, ChatServerOptions } from './serve/options'
