import { DataError } from '@tfx/common'
import { readRows, type Row, type RowSource } from '@tfx/data'
import type { ReadExamples } from '@tfx/transfer'
import { checkDialogue, type DialoguePlace } from '../dialogues/check-dialogue'
import { turns } from '../dialogues/from-row'
import type { ReadExamplesOptions } from '../dialogues/read-examples'
import type { ChatMessage } from '../template/messages'

/** Two answers to one dialogue, the first of them better. */
export interface PreferenceExample {
  readonly prompt: readonly ChatMessage[]
  readonly chosen: readonly ChatMessage[]
  readonly rejected: readonly ChatMessage[]
}

/**
 * Reads preferences: rows with `prompt`, `chosen` and `rejected`, each a text or messages; with `instruction` (and `input`)
 * instead of a prompt; or with `chosen` and `rejected` dialogues that begin alike.
 *
 * @throws DataError on a row that is none, whose answers are the same, or whose dialogue cannot be learned from.
 */
export async function readPreferences(
  dataset: RowSource,
  { systemPrompt, signal, caller }: ReadExamplesOptions,
): Promise<ReadExamples<PreferenceExample>> {
  const rows = readRows(dataset, signal ? { signal } : {})
  const examples: PreferenceExample[] = []
  for await (const { row, location } of rows.located()) {
    examples.push(fromRow(row, { caller, place: `${rows.name}, ${location}`, systemPrompt }))
  }
  return { examples, notes: [] }
}

function fromRow(
  row: Row,
  { systemPrompt, ...place }: DialoguePlace & { systemPrompt: string | undefined },
): PreferenceExample {
  const { chosen: better, rejected: worse } = row
  if (better === undefined || worse === undefined) throw noPreference(row, place)
  const answers = { chosen: turns(better, 'assistant'), rejected: turns(worse, 'assistant') }
  const given = promptOf(row)
  const shared = given === undefined ? commonBeginning(answers.chosen, answers.rejected) : 0
  const prompt = given ?? answers.chosen.slice(0, shared)
  const isInstructed = ['system', 'developer'].includes((prompt[0] as ChatMessage | undefined)?.role ?? '')
  const begun =
    systemPrompt === undefined || isInstructed
      ? prompt
      : [{ role: 'system', content: systemPrompt }, ...prompt]
  const check = (answer: readonly unknown[], name: string) =>
    checkDialogue([...begun, ...answer], { ...place, place: `${place.place}, ${name}` }).slice(begun.length)
  const chosen = check(answers.chosen.slice(shared), 'chosen')
  const rejected = check(answers.rejected.slice(shared), 'rejected')
  if (JSON.stringify(chosen) !== JSON.stringify(rejected))
    return { prompt: begun as ChatMessage[], chosen, rejected }
  throw new DataError({
    function: place.caller,
    argument: place.place,
    expected: 'two answers that differ',
    received: 'the same twice',
    remedy: 'Leave the row out: nothing can be learned from it.',
  })
}

/** The messages before the answers; undefined if the answers are whole dialogues. */
function promptOf({ prompt, instruction, input }: Row): unknown[] | undefined {
  if (prompt !== undefined) return turns(prompt, 'user')
  if (typeof instruction !== 'string') return undefined
  const isFilled = typeof input === 'string' && input.trim() !== ''
  return turns(isFilled ? `${instruction}\n\n${input}` : instruction, 'user')
}

/** How many messages two dialogues begin with alike. */
function commonBeginning(a: readonly unknown[], b: readonly unknown[]): number {
  const differing = a.findIndex((message, index) => JSON.stringify(message) !== JSON.stringify(b[index]))
  return differing === -1 ? a.length : differing
}

const noPreference = (row: Row, { caller, place }: DialoguePlace) =>
  new DataError({
    function: caller,
    argument: place,
    expected: 'a row with prompt, chosen and rejected',
    received: Object.keys(row).join(', ') || 'an empty row',
    remedy: "Rename the columns, or leave { method: 'dpo' } out to learn from dialogues.",
  })
