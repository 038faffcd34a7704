export { runCli } from './run-cli'
export { type ChatServer, createChatServer } from './serve/chat-server'
export type { AnsweredRequest, ChatServerOptions } from './serve/options'
export { processSurroundings, type Surroundings } from './surroundings'
