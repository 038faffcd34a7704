import { getEngine } from '@tfx/backend'
import { CheckpointError, throwIfAborted } from '@tfx/common'
import { createDecoderSteps, loadCheckpoint, modelFamily, resolveBase, streamTokens } from '@tfx/core'
import { inThread } from '@tfx/transfer'
import { type ChatModel, createChatModel } from './chat-model/chat-model'
import { createChatTemplate } from './template/chat-template'
import { templatesOf } from './template/read-template'

/** Options of {@link loadChatModel}. */
export interface LoadChatModelOptions {
  /** Where downloads are kept. Default: the environment variable TFX_CACHE, else `~/.cache/tfx`. */
  readonly cacheDirectory?: string
  readonly signal?: AbortSignal
  /** A chat template in Jinja, or the name of one of the tokenizer's. Default: the tokenizer's, if it has one. */
  readonly chatTemplate?: string
  /** Keep the model in a worker thread, so that the event loop stays free while it writes. Default false. */
  readonly thread?: boolean
}

const task = 'causal-language-modelling'

/**
 * Loads a decoder to talk to: from a directory, a GGUF file, an npm package, or the hub.
 *
 * @throws CheckpointError if it is no language model; NetworkError if the hub cannot be reached; AbortedError on `signal`.
 *
 * @example
 * ```ts
 * const model = await loadChatModel('./my-model')
 * for await (const text of model.chat([{ role: 'user', content: 'Hello!' }])) process.stdout.write(text)
 * await model.dispose()
 * ```
 */
export async function loadChatModel(
  source: string,
  { thread = false, ...options }: LoadChatModelOptions = {},
): Promise<ChatModel> {
  throwIfAborted(options.signal, 'loadChatModel')
  if (thread) {
    const values = [source, options]
    const call = { method: 'loadChatModel', values, names: ['source', 'options'] }
    return (await inThread(new URL('./thread.js', import.meta.url), call)) as ChatModel
  }
  const { chatTemplate, ...baseOptions } = options
  const { directory } = await resolveBase(source, baseOptions)
  const checkpoint = await loadCheckpoint(directory, { kind: 'decoder' })
  const { config, tokenizer, generation } = checkpoint
  const engine = await getEngine()
  const specs = modelFamily(config.modelType).parameterShapes(config, task)
  const shapes = Object.entries(specs).map(([name, { shape }]) => [name, shape] as const)
  const store = engine.createStore(Object.fromEntries(shapes))
  const steps = createDecoderSteps(engine, { config, store })
  const dispose = async () => {
    await steps.dispose()
    store.dispose()
  }
  try {
    const { newlyInitialised } = await checkpoint.loadParameters(task, {
      write: (name, values) => store.write(name, values),
    })
    if (newlyInitialised.length > 0) throw noLanguageModel(source, newlyInitialised)
    return createChatModel({
      source,
      tokenizer,
      stream: (prompt, settings) => streamTokens(steps, prompt, settings),
      generation,
      contextLength: Math.min(config.maxPositionEmbeddings, tokenizer.maxLength),
      template:
        chatTemplate !== undefined || templatesOf(tokenizer).has('default')
          ? createChatTemplate(tokenizer, { chatTemplate })
          : undefined,
      dispose,
    })
  } catch (error) {
    await dispose()
    throw error
  }
}

const noLanguageModel = (source: string, missing: readonly string[]) =>
  new CheckpointError({
    function: 'loadChatModel',
    argument: 'source',
    expected: 'a language model',
    received: `'${source}', which lacks ${missing.join(', ')}`,
    remedy: 'Choose a checkpoint of a causal language model.',
  })
