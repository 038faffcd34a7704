import { DataError } from '@tfx/common'
import type { DecoderConfig } from '@tfx/core'
import type { EncodedExample, EncodeTaskOptions } from '@tfx/transfer'
import { createChatTemplate } from '../template/chat-template'
import type { ChatOptions } from '../tuning/chat-options'
import { ignored, type LabelledTokens } from '../tuning/pack'
import type { PreferenceExample } from './read-preferences'

/** The tokens of two answers, with labels for what differs from the prompt. */
export interface PreferenceEncoding extends EncodedExample<PreferenceExample> {
  readonly chosen: LabelledTokens
  readonly rejected: LabelledTokens
  /** How likely the base finds both: the sums of the log-probabilities of their labels. */
  readonly reference?: { readonly chosen: number; readonly rejected: number }
}

/**
 * Turns preferences into tokens as TRL's DPOTrainer does: an answer is all that follows the tokens that the prompt and both
 * dialogues begin with.
 *
 * @throws DataError if they are longer than `maxLength` and may not be cut, or if only prompts would be left.
 */
export async function encodePreferences(
  examples: readonly PreferenceExample[],
  { tokenizer, maxLength, truncation, caller, options }: EncodeTaskOptions<ChatOptions, DecoderConfig>,
): Promise<PreferenceEncoding[]> {
  if (examples.length === 0) return []
  const template = createChatTemplate(tokenizer)
  const encode = async (
    dialogue: (example: PreferenceExample) => PreferenceExample['prompt'],
    addGenerationPrompt: boolean,
  ) =>
    (await template.encodeAll(examples.map(dialogue), { addGenerationPrompt, signal: options.signal })).map(
      ({ inputIds }) => inputIds,
    )
  const prompts = await encode(({ prompt }) => prompt, true)
  const chosen = await encode((example) => [...example.prompt, ...example.chosen], false)
  const rejected = await encode((example) => [...example.prompt, ...example.rejected], false)
  const encoded = examples.map((example, index): PreferenceEncoding & { prompt: number } => {
    const ids = [chosen[index]!, rejected[index]!] as const
    const prompt = Math.min(...ids.map((answer) => commonLength(prompts[index]!, answer)))
    const [better, worse] = ids.map((answer) => labelled(answer.slice(0, maxLength), prompt))
    return { example, encoding: { inputIds: better!.inputIds }, chosen: better!, rejected: worse!, prompt }
  })
  const long = examples.filter(
    (_, index) => Math.max(chosen[index]!.length, rejected[index]!.length) > maxLength,
  )
  if (long.length > 0 && !truncation) throw tooLong(long.length, { maxLength, caller })
  const kept = encoded.filter(({ prompt }) => prompt < maxLength)
  if (kept.length === 0) throw tooLong(encoded.length, { maxLength, caller })
  return kept.map(({ prompt: _, ...others }) => others)
}

const labelled = (inputIds: readonly number[], prompt: number): LabelledTokens => ({
  inputIds,
  labels: inputIds.map((id, index) => (index < prompt ? ignored : id)),
})

/** How many ids two lists begin with alike. */
function commonLength(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((id, index) => b[index] !== id)
  return differing === -1 ? a.length : differing
}

const tooLong = (count: number, { maxLength, caller }: { maxLength: number; caller: string }) =>
  new DataError({
    function: caller,
    argument: 'dataset',
    expected: `dialogues of at most ${maxLength} tokens`,
    received: `${count} longer`,
    remedy: 'Pass { truncation: true } to cut the ends of answers, or a larger { maxLength }.',
  })
