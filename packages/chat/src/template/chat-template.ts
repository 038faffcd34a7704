import { ArgumentError, CheckpointError, EngineError, throwIfAborted } from '@tfx/common'
import type { Tokenizer } from '@tfx/core'
import {
  marksGeneration,
  placeholderSpans,
  takeGenerationMarks,
  withGenerationMarks,
  withPlaceholders,
} from './assistant-spans'
import { controlTokens, type ControlTokens, withoutMarks } from './control-tokens'
import { encodeRendered, type EncodedRendering } from './encode-rendered'
import type { ChatMessage } from './messages'
import { chooseTemplate, specialTokenVariables } from './read-template'
import { templateMessages } from './template-messages'
import { createRenderer, type RenderFailure, type RenderLimits, type Renderer } from './render-process'

/** Options of {@link createChatTemplate}. */
export interface ChatTemplateOptions {
  /** A template in Jinja, or the name of one of the tokenizer's or of `chatTemplates`. Default: the tokenizer's. */
  chatTemplate?: string | undefined
  /** What a template may take for one call, in milliseconds. Default 5000. */
  timeout?: number
}

/** Options of a call of a {@link ChatTemplate}. */
export interface ApplyTemplateOptions {
  /** End with what begins an answer of the assistant. Default false. */
  addGenerationPrompt?: boolean
  /** Say of each token whether the assistant writes it. Default false. */
  assistantMask?: boolean
  /** Functions that the model may call, each with its JSON schema. Default: none. */
  tools?: readonly Readonly<Record<string, unknown>>[]
  /** Other variables that the template reads, such as `enable_thinking`. Default: none. */
  variables?: Readonly<Record<string, unknown>>
  signal?: AbortSignal | undefined
}

/** A dialogue as a model reads it. */
export interface EncodedChat extends EncodedRendering {
  /** The dialogue as the template wrote it. */
  readonly text: string
}

/** How a model wants dialogues written. */
export interface ChatTemplate {
  /** The template in Jinja. */
  readonly source: string
  /**
   * Encodes a dialogue. Tokens that mean something to the model, such as `<|im_end|>`, stay text where a message has them.
   *
   * @throws ArgumentError if the template refuses these messages, CheckpointError if it is broken, takes too much time or
   *   memory, or does not let the assistant's part be found, EngineError if no process can be started to run it.
   */
  encode(messages: readonly ChatMessage[], options?: ApplyTemplateOptions): Promise<EncodedChat>
  /** Encodes each dialogue, many in one go. */
  encodeAll(
    dialogues: readonly (readonly ChatMessage[])[],
    options?: ApplyTemplateOptions,
  ): Promise<EncodedChat[]>
}

const heapMegabytes = 64

/** UTF-16 units that one dialogue may have when it is written out. */
const longestRendering = 8 * 2 ** 20

/** Dialogues, and UTF-16 units of them, that are rendered in one go. */
const slice = { dialogues: 128, characters: 2 ** 20 }

/**
 * Reads the chat template of a tokenizer. Templates come from strangers: they run in a process of their own that is
 * ended when it takes too long or too much memory, or is idle.
 *
 * @throws CheckpointError if there is no template, ArgumentError if there is none of this name.
 *
 * @example
 * ```ts
 * const template = createChatTemplate(tokenizer)
 * const { inputIds } = await template.encode(messages, { addGenerationPrompt: true })
 * ```
 */
export function createChatTemplate(
  tokenizer: Tokenizer,
  { chatTemplate, timeout = 5000 }: ChatTemplateOptions = {},
): ChatTemplate {
  const limits = { milliseconds: timeout, heapMegabytes, characters: longestRendering }
  const opened = new Map<string, OpenTemplate>()
  const open = (hasTools: boolean) => {
    const source = chooseTemplate(tokenizer, { chosen: chatTemplate, hasTools })
    const template = opened.get(source) ?? openTemplate(source, { tokenizer, limits })
    opened.set(source, template)
    return template
  }
  const encodeAll: ChatTemplate['encodeAll'] = async (dialogues, options = {}) => {
    const template = open(options.tools !== undefined)
    const encoded: EncodedChat[] = []
    for (const part of slicesOf(dialogues)) {
      throwIfAborted(options.signal, 'encode')
      encoded.push(...(await encodeSlice(template, part, options)))
    }
    return encoded
  }
  return {
    source: open(false).source,
    encodeAll,
    encode: async (messages, options) => (await encodeAll([messages], options))[0]!,
  }
}

interface OpenTemplate {
  readonly source: string
  readonly tokenizer: Tokenizer
  readonly limits: RenderLimits
  readonly render: Renderer
  readonly control: ControlTokens
  readonly specialTokens: Readonly<Record<string, string>>
}

const openTemplate = (
  source: string,
  { tokenizer, limits }: Pick<OpenTemplate, 'tokenizer' | 'limits'>,
): OpenTemplate => ({
  source,
  tokenizer,
  limits,
  render: createRenderer(withGenerationMarks(source), limits),
  control: controlTokens(tokenizer.addedTokens, source),
  specialTokens: specialTokenVariables(tokenizer),
})

async function encodeSlice(
  template: OpenTemplate,
  dialogues: readonly (readonly ChatMessage[])[],
  { addGenerationPrompt = false, assistantMask = false, tools, variables }: ApplyTemplateOptions,
): Promise<EncodedChat[]> {
  const { tokenizer, source, control, specialTokens } = template
  const shared = {
    ...specialTokens,
    add_generation_prompt: addGenerationPrompt,
    tools: tools === undefined ? null : control.mark(tools),
    documents: null,
    ...control.mark(variables ?? {}),
  }
  const marked = dialogues.map((messages) => control.mark(templateMessages(messages)))
  const usesPlaceholders = assistantMask && !marksGeneration(source)
  const replaced = usesPlaceholders ? marked.map((messages) => withPlaceholders(messages)) : []
  const items = [...marked, ...replaced.map(({ messages }) => messages)]
  const outcome = await template.render(items.map((messages) => ({ ...shared, messages })))
  if ('failure' in outcome) throw templateError(outcome.failure, { template, items })
  const endings = tokenizer.addedTokens.filter(({ isSpecial }) => isSpecial).map(({ text }) => text)
  return marked.map((_, index) => {
    const { text, spans } = takeGenerationMarks(control.settle(outcome.texts[index]!))
    const found = usesPlaceholders
      ? placeholderSpans(text, control.settle(outcome.texts[marked.length + index]!), {
          contents: replaced[index]!.contents,
          endings,
        })
      : spans
    if (assistantMask && !found) throw unknownSpans()
    return {
      ...encodeRendered(text, { tokenizer, spans: assistantMask ? found : undefined }),
      text: withoutMarks(text),
    }
  })
}

function* slicesOf(
  dialogues: readonly (readonly ChatMessage[])[],
): Generator<(readonly ChatMessage[])[], void> {
  let part: (readonly ChatMessage[])[] = []
  let characters = 0
  for (const messages of dialogues) {
    part.push(messages)
    characters += messages.reduce((sum, { content }) => sum + (content?.length ?? 0), 0)
    if (part.length < slice.dialogues && characters < slice.characters) continue
    yield part
    part = []
    characters = 0
  }
  if (part.length > 0) yield part
}

function templateError(
  failure: RenderFailure,
  { template: { limits }, items }: { template: OpenTemplate; items: readonly (readonly ChatMessage[])[] },
): ArgumentError | CheckpointError | EngineError {
  const { reason, message } = failure
  if (reason === 'start') {
    return new EngineError({
      function: 'encode',
      argument: 'chatTemplate',
      expected: 'run in a process of its own',
      received: 'a system that lets no process start',
      remedy: 'Allow this program to start Node.js: templates are of strangers, and are kept apart.',
    })
  }
  if (reason === 'refusal') {
    return new ArgumentError({
      function: 'encode',
      argument: 'messages',
      expected: "messages that the model's chat template accepts",
      received: `its refusal: ${withoutMarks(message)}`,
      remedy: 'Change the roles or the order of the messages, or pass another { chatTemplate }.',
    })
  }
  const failed = reason === 'render' ? items[failure.item]! : []
  const unfit = failed.findIndex(isWithoutText)
  if (unfit !== -1) {
    const isMissing = failed[unfit]!.content === undefined
    return new ArgumentError({
      function: 'encode',
      argument: `messages[${unfit}].content`,
      expected: "a text: the model's chat template fails without",
      received: isMissing ? 'none' : 'a list of parts',
      remedy: `Give it ${isMissing ? "a text, such as ''" : 'as one text'}, or pass another { chatTemplate }.`,
    })
  }
  const received = {
    syntax: `one that cannot be read: ${message ?? ''}`,
    render: `one that fails: ${message ?? ''}`,
    time: `one that takes longer than ${limits.milliseconds} ms`,
    memory: `one that takes more than ${limits.heapMegabytes} MB of memory`,
    length: `one that writes more than ${limits.characters} characters`,
  }[reason]
  return new CheckpointError({
    function: 'encode',
    argument: 'chatTemplate',
    expected: 'a Jinja template that can be rendered',
    received,
    remedy: "Repair 'chat_template' of the tokenizer, or pass another { chatTemplate }.",
  })
}

/** Whether many a template would fail at a message: it has no content, or one in parts. */
const isWithoutText = ({ content }: ChatMessage) => typeof content !== 'string'

const unknownSpans = () =>
  new CheckpointError({
    function: 'encode',
    argument: 'chatTemplate',
    expected: 'a template that shows what the assistant writes',
    received: 'one that changes the contents of messages',
    remedy: 'Put {% generation %} and {% endgeneration %} around the answer in the template, and pass it.',
  })
