import type { DecoderConfig } from '@tfx/core'
import { split, type Split } from '@tfx/data'
import type { WritingHead } from '@tfx/transfer'
import { type ChatExample, isText } from '../dialogues/chat-example'
import { readExamples } from '../dialogues/read-examples'
import { chatThread } from '../thread-address'
import { chatOptionNames, type ChatOptions, checkChatOptions } from './chat-options'
import { encodeChatExamples } from './encode-examples'
import { createTunedModel, type TunedChatModel, type TunedModelOptions } from './tuned-model'
import { endingTurns, withTemplate } from './with-template'

/** The head of chat: what the assistant says is learned, given all that was said before. */
export function chatHead(
  options: TunedModelOptions,
): WritingHead<ChatExample, ChatOptions, DecoderConfig, TunedChatModel> {
  return {
    name: 'chat',
    thread: chatThread,
    kind: 'decoder',
    options: chatOptionNames.filter((name) => name !== 'labelSmoothing'),
    hasTexts: false,
    read: (dataset, { systemPrompt, unfinished, signal }) =>
      readExamples(dataset, { systemPrompt, unfinished, signal, caller: 'transfer' }),
    split: splitExamples,
    tokenizer: (given, examples, { chatTemplate }) =>
      examples.every(isText) && chatTemplate === undefined ? given : withTemplate(given, chatTemplate),
    configure(config, _, given) {
      checkChatOptions(given)
      return config
    },
    // One that was loaded may have no template, or is given another one.
    encode: (examples, run) =>
      encodeChatExamples(
        examples,
        examples.every(isText)
          ? run
          : { ...run, tokenizer: withTemplate(run.tokenizer, options.chatTemplate) },
      ),
    generation: (given, _, tokenizer) => endingTurns(given, tokenizer),
    model: (languageModel) => createTunedModel(languageModel, options),
  }
}

/** Dialogues at random; of a file of text its end, so that what is held out is not what stands between two parts learned. */
function splitExamples(
  examples: readonly ChatExample[],
  options: { fraction: number; seed: number },
): Split<ChatExample> {
  const isFile = examples.some((example) => isText(example) && example.continues === true)
  if (!isFile) return split(examples, options)
  const held = Math.min(examples.length - 1, Math.max(1, Math.round(examples.length * options.fraction)))
  return { train: examples.slice(0, -held), test: examples.slice(-held) }
}
