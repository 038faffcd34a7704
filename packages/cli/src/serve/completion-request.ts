import { isDeepStrictEqual } from 'node:util'
import type { ChatMessage, WriteOptions } from '@tfx/chat'
import { ApiError } from './api-error'

/** What `POST /v1/chat/completions` asks for. */
export interface CompletionRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly options: WriteOptions
  /** Whether the reply is sent as it is written. */
  readonly stream: boolean
  /** Whether the last event of a stream says how many tokens there were. */
  readonly includeUsage: boolean
}

type Fields = Readonly<Record<string, unknown>>

/** Fields that change nothing here, whatever they say. */
const ignored = ['user', 'metadata', 'store', 'service_tier', 'safety_identifier', 'prompt_cache_key']

/** Fields that ask for what there is not → the values that ask for nothing. */
const unsupported: Readonly<Record<string, readonly unknown[]>> = {
  n: [1],
  frequency_penalty: [0],
  presence_penalty: [0],
  logprobs: [false],
  top_logprobs: [0],
  logit_bias: [{}],
  tools: [[]],
  tool_choice: ['none', 'auto'],
  parallel_tool_calls: [true, false],
  response_format: [{ type: 'text' }],
  modalities: [['text']],
}

const isWhole = (value: unknown) => Number.isSafeInteger(value)
const between = (lowest: number, highest: number) => (value: unknown) =>
  typeof value === 'number' && value >= lowest && value <= highest

interface Field {
  readonly isValid: (value: unknown) => boolean
  readonly expected: string
  /** The option that it is; some are read below instead. */
  readonly option?: keyof WriteOptions
}

const supported: Readonly<Record<string, Field>> = {
  model: { isValid: (value) => typeof value === 'string' && value !== '', expected: 'the name of a model' },
  messages: {
    isValid: (value) => Array.isArray(value) && value.length > 0,
    expected: 'a list of at least one message',
  },
  stream: { isValid: (value) => typeof value === 'boolean', expected: 'true or false' },
  stream_options: { isValid: isObject, expected: 'an object' },
  max_tokens: {
    isValid: (value) => isWhole(value) && (value as number) >= 1,
    expected: 'a whole number of at least 1',
    option: 'maxNewTokens',
  },
  max_completion_tokens: {
    isValid: (value) => isWhole(value) && (value as number) >= 1,
    expected: 'a whole number of at least 1',
    option: 'maxNewTokens',
  },
  temperature: { isValid: between(0, 2), expected: 'a number from 0 to 2', option: 'temperature' },
  top_p: { isValid: between(Number.MIN_VALUE, 1), expected: 'a number above 0, up to 1', option: 'topP' },
  top_k: {
    isValid: (value) => isWhole(value) && (value as number) >= 0,
    expected: 'a whole number of at least 0',
    option: 'topK',
  },
  seed: { isValid: isWhole, expected: 'a whole number', option: 'seed' },
  stop: {
    isValid: (value) =>
      isText(value) || (Array.isArray(value) && value.length <= 4 && value.every((text) => isText(text))),
    expected: 'a text, or up to 4 of them, none empty',
    option: 'stop',
  },
}

/**
 * Reads a request; null is the same as nothing.
 *
 * @throws ApiError with status 400 on what is wrong, or asks for something that the server does not do.
 */
export function parseCompletionRequest(body: unknown): CompletionRequest {
  if (!isObject(body)) throw wrong(undefined, 'The body must be a JSON object.')
  const fields = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  for (const [name, value] of Object.entries(fields)) checkField(name, value)
  for (const name of ['model', 'messages'])
    if (!Object.hasOwn(fields, name)) throw wrong(name, `'${name}' is missing.`)
  const { model, messages, stream = false, stream_options: streamOptions } = fields
  if (streamOptions !== undefined && stream !== true)
    throw wrong('stream_options', "'stream_options' is for streams: set 'stream' to true.")
  const options = Object.entries(fields).flatMap(([name, value]) => {
    const option = supported[name]?.option
    return option === undefined ? [] : [[option, value]]
  })
  return {
    model: model as string,
    messages: (messages as unknown[]).map(parseMessage),
    options: Object.fromEntries(options) as WriteOptions,
    stream: stream as boolean,
    includeUsage: (streamOptions as Fields | undefined)?.include_usage === true,
  }
}

function checkField(name: string, value: unknown): void {
  if (ignored.includes(name)) return
  if (Object.hasOwn(unsupported, name)) {
    if (unsupported[name]!.some((harmless) => isDeepStrictEqual(harmless, value))) return
    throw wrong(name, `'${name}' is not supported here. Leave it out.`, 'unsupported_parameter')
  }
  if (!Object.hasOwn(supported, name))
    throw wrong(name, `There is no parameter '${name}'. Leave it out.`, 'unknown_parameter')
  const { isValid, expected } = supported[name]!
  if (!isValid(value)) throw wrong(name, `'${name}' must be ${expected}.`)
}

/** What OpenAI calls developer today was called system. */
const roles: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
}

function parseMessage(message: unknown, index: number): ChatMessage {
  const param = `messages[${index}]`
  if (!isObject(message)) throw wrong(param, `'${param}' must be an object.`)
  const { role, content } = message
  if (typeof role !== 'string' || !Object.hasOwn(roles, role))
    throw wrong(`${param}.role`, `'${param}.role' must be system, developer, user or assistant.`)
  if (typeof content === 'string') return { role: roles[role]!, content }
  const parts = Array.isArray(content) ? content.map(textOfPart) : [undefined]
  if (!parts.every((part) => part !== undefined))
    throw wrong(`${param}.content`, `'${param}.content' must be a text, or a list of parts of type 'text'.`)
  return { role: roles[role]!, content: parts.join('') }
}

function textOfPart(part: unknown): string | undefined {
  return isObject(part) && part.type === 'text' && typeof part.text === 'string' ? part.text : undefined
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

const wrong = (param: string | undefined, message: string, code?: string) =>
  new ApiError(400, { message, param, ...(code !== undefined && { code }) })
