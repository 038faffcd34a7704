import { DataError } from '@tfx/common'
import type { ChatTemplate } from '../template/chat-template'
import type { ChatMessage } from '../template/messages'
import { ignored, type LabelledTokens } from './pack'

/** Options of {@link encodeDialogues}. */
export interface EncodeDialoguesOptions {
  readonly template: ChatTemplate
  readonly maxLength: number
  /** Leave the last turns of dialogues out that are longer. */
  readonly truncation: boolean
  readonly signal?: AbortSignal | undefined
  /** The public function to name in errors. */
  readonly caller: string
}

/**
 * The tokens of dialogues, with labels for those that the assistant writes. Longer dialogues lose whole turns at their end, so
 * that every answer is learned with all that came before it.
 *
 * @returns Undefined for dialogues whose first answer does not fit.
 * @throws DataError if dialogues are too long and may not be cut, or none fits; ArgumentError or CheckpointError of the
 *   template.
 */
export async function encodeDialogues(
  dialogues: readonly (readonly ChatMessage[])[],
  { template, maxLength, truncation, signal, caller }: EncodeDialoguesOptions,
): Promise<(LabelledTokens | undefined)[]> {
  const encode = async (given: readonly (readonly ChatMessage[])[]) =>
    (await template.encodeAll(given, { assistantMask: true, signal })).map(
      ({ inputIds, assistantMask }): LabelledTokens => ({
        inputIds,
        labels: inputIds.map((id, index) => (assistantMask![index] === 1 ? id : ignored)),
      }),
    )
  const fits = ({ inputIds }: LabelledTokens) => inputIds.length <= maxLength
  const encoded: (LabelledTokens | undefined)[] = await encode(dialogues)
  const long = [...dialogues.keys()].filter((index) => !fits(encoded[index]!))
  if (long.length === 0) return encoded
  if (!truncation) throw tooLong(dialogues[long[0]!]!, { maxLength, caller, truncation, count: long.length })
  // How many answers fit is found by halves, for all long dialogues together.
  let searches = long.map((index) => ({ index, ends: answerEnds(dialogues[index]!), fits: 0 }))
  for (const { index } of searches) encoded[index] = undefined
  let searched = searches.map((search) => ({ ...search, tooMany: search.ends.length }))
  while ((searched = searched.filter((search) => search.tooMany - search.fits > 1)).length > 0) {
    const tries = searched.map((search) => Math.ceil((search.fits + search.tooMany) / 2))
    const cut = searched.map(({ index, ends }, place) => dialogues[index]!.slice(0, ends[tries[place]! - 1]))
    for (const [place, shorter] of (await encode(cut)).entries()) {
      const search = searched[place]!
      if (fits(shorter)) {
        search.fits = tries[place]!
        encoded[search.index] = shorter
      } else search.tooMany = tries[place]!
    }
  }
  searches = searches.filter(({ index }) => encoded[index] === undefined)
  if (searches.length === dialogues.length)
    throw tooLong(dialogues[long[0]!]!, { maxLength, caller, truncation, count: searches.length })
  return encoded
}

/** Behind which messages a dialogue may end. */
const answerEnds = (messages: readonly ChatMessage[]): number[] =>
  messages.flatMap(({ role, tool_calls: calls }, index) =>
    role === 'assistant' && calls === undefined ? [index + 1] : [],
  )

function tooLong(
  messages: readonly ChatMessage[],
  {
    maxLength,
    caller,
    truncation,
    count,
  }: Pick<EncodeDialoguesOptions, 'maxLength' | 'caller' | 'truncation'> & { count: number },
): DataError {
  const first = messages.find(({ role }) => role === 'user')?.content
  const text = typeof first === 'string' ? first : JSON.stringify(first ?? '')
  return new DataError({
    function: caller,
    argument: 'dataset',
    expected: `dialogues of at most ${maxLength} tokens${truncation ? ', up to their first answer' : ''}`,
    received: `${count} longer; the first begins with '${text.length > 40 ? `${text.slice(0, 40)}…` : text}'`,
    remedy: truncation
      ? 'Pass a larger { maxLength }, or shorten them.'
      : 'Pass { truncation: true } to use their first turns only, or a larger { maxLength }.',
  })
}
