import type { DecoderConfig } from '@tfx/core'
import type { RowSource } from '@tfx/data'
import type { FitResult } from '@tfx/train'
import type { AdapterChoice, LanguageModel, SaveOptions, Setting } from '@tfx/transfer'
import { type ChatModel, createChatModel } from '../chat-model/chat-model'
import type { ChatExample } from '../dialogues/chat-example'
import { readExamples } from '../dialogues/read-examples'
import { createChatTemplate } from '../template/chat-template'
import { templatesOf } from '../template/read-template'
import type { ChatOptions } from './chat-options'

/** How a data set is evaluated. */
export interface EvaluateOptions
  extends Pick<ChatOptions, 'systemPrompt' | 'unfinished' | 'packing'>, AdapterChoice {
  /** Use the first turns of dialogues that are too long. Default: as the model was trained. */
  truncation?: boolean
  signal?: AbortSignal
}

/** How well answers are foretold. */
export interface ChatScore extends Record<string, number> {
  /** Mean loss in nats for each token that the assistant writes; of texts, for each token. */
  readonly loss: number
  /** exp(loss): among how many tokens the model hesitates. */
  readonly perplexity: number
}

/** A chat model that was trained, or can be trained further. */
export interface TunedChatModel extends ChatModel {
  readonly config: DecoderConfig
  /** The settings of the run, with where each came from; none for a model that was loaded. */
  readonly settings: readonly Setting[]
  /** What is worth knowing about the run. */
  readonly notes: readonly string[]
  /** What training did; absent for a model that was loaded. */
  readonly training?: FitResult
  /**
   * How well the model foretells the answers of dialogues, or texts.
   *
   * @param dataset As `transfer` takes it.
   * @throws DataError, ArgumentError
   */
  evaluate(dataset: RowSource, options?: EvaluateOptions): Promise<ChatScore>
  /**
   * Writes a directory that Python's `transformers` and Transformers.js read, with the chat template.
   *
   * @throws FileSystemError, ArgumentError
   */
  save(directory: string, options?: SaveOptions): Promise<void>
  /** Writes what an adapter has learned, as PEFT reads it. @throws ArgumentError, FileSystemError */
  saveAdapter(directory: string, options?: Pick<SaveOptions, 'overwrite'>): Promise<void>
}

/** What of a model its parts do not say. */
export interface TunedModelOptions {
  /** Where it came from, for people. */
  readonly source: string
  /** A template to talk by, or the name of one. Default: the tokenizer's. */
  readonly chatTemplate?: string | undefined
}

/** A chat model from a language model. */
export function createTunedModel(
  languageModel: LanguageModel<ChatExample, ChatOptions, DecoderConfig>,
  { source, chatTemplate }: TunedModelOptions,
): TunedChatModel {
  const { config, tokenizer, generation, settings, notes, training } = languageModel
  const hasTemplate = chatTemplate !== undefined || templatesOf(tokenizer).has('default')
  const model = createChatModel({
    source,
    tokenizer,
    generation,
    contextLength: Math.min(config.maxPositionEmbeddings, tokenizer.maxLength) - languageModel.virtualTokens,
    template: hasTemplate ? createChatTemplate(tokenizer, { chatTemplate }) : undefined,
    // The model's own settings come in first, but those that make no sense for a stream must not.
    stream: (prompt, options) =>
      languageModel.stream(prompt, { stopStrings: [], penaltyAlpha: 0, ...options }),
    dispose: () => languageModel.dispose(),
  })
  return {
    ...model,
    config,
    settings,
    notes,
    ...(training && { training }),
    async evaluate(dataset, { systemPrompt, unfinished, ...options } = {}) {
      const { examples } = await readExamples(dataset, {
        systemPrompt,
        unfinished,
        signal: options.signal,
        caller: 'evaluate',
      })
      return languageModel.measure(examples, options)
    },
    save: (directory, options) => languageModel.save(directory, options),
    saveAdapter: (directory, options) => languageModel.saveAdapter(directory, options),
  }
}
