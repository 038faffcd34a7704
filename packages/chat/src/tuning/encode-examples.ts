import type { DecoderConfig } from '@tfx/core'
import type { EncodeTaskOptions, WritingEncoding } from '@tfx/transfer'
import { type ChatExample, isText, type TextExample } from '../dialogues/chat-example'
import { createChatTemplate } from '../template/chat-template'
import type { ChatOptions } from './chat-options'
import { encodeDialogues } from './encode-dialogues'
import { requireEndOfText } from './end-of-text'
import { packTexts, packWhole } from './pack'

/**
 * Turns what is learned from into tokens with labels: of dialogues those of the assistant, of texts all. Texts are cut into
 * blocks of `maxLength` tokens; dialogues are packed whole if that is wished.
 *
 * @returns Fewer than there are examples, or more: texts become blocks, and what does not fit at all is left out.
 * @throws DataError if dialogues are longer than `maxLength` and may not be cut.
 */
export async function encodeChatExamples(
  examples: readonly ChatExample[],
  {
    tokenizer,
    config,
    maxLength,
    truncation,
    caller,
    options,
  }: EncodeTaskOptions<ChatOptions, DecoderConfig>,
): Promise<WritingEncoding<ChatExample>[]> {
  if (examples.length === 0) return []
  if (examples.every(isText)) {
    const texts = tokensOfTexts(examples, { tokenizer, config })
    return packTexts(texts, maxLength).map(({ first, inputIds, labels }) => ({
      example: examples[first]!,
      encoding: { inputIds },
      labels,
    }))
  }
  const { signal, packing = false } = options
  const dialogues = examples.map((example) => (isText(example) ? [] : example.messages))
  const template = createChatTemplate(tokenizer)
  const run = { template, maxLength, truncation, signal, caller }
  const found = await encodeDialogues(dialogues, run)
  const kept = found.flatMap((tokens, index) => (tokens ? [{ example: examples[index]!, ...tokens }] : []))
  if (kept.length < found.length)
    process.emitWarning(
      `${caller}: ${found.length - kept.length} of ${found.length} dialogues were left out: their first answer does not ` +
        `fit into ${maxLength} tokens.`,
    )
  if (!packing) {
    return kept.map(({ example, inputIds, labels }) => ({ example, encoding: { inputIds }, labels }))
  }
  return packWhole(kept, maxLength).map(({ first, inputIds, labels }) => ({
    example: kept[first]!.example,
    encoding: { inputIds },
    labels,
  }))
}

/** Each text with its end; the parts of a file have one end together. */
function tokensOfTexts(
  texts: readonly TextExample[],
  { tokenizer, config }: Pick<EncodeTaskOptions<ChatOptions, DecoderConfig>, 'tokenizer' | 'config'>,
): number[][] {
  return texts.map(({ text, continues = false }, index) => {
    const { inputIds } = tokenizer.encode(text, undefined, {
      maxLength: Infinity,
      addSpecialTokens: !continues,
    })
    const isOpen = texts[index + 1]?.continues === true || (continues && index === texts.length - 1)
    if (isOpen) return inputIds
    const end = requireEndOfText(tokenizer, config)
    return inputIds.at(-1) === end ? inputIds : [...inputIds, end]
  })
}
