import { tokenText } from '../token-text'
import type { Configuration, Layout, LayoutInput } from './layout'
import { pieceTypes } from './model-file'
import type { Entry } from './vocabulary'

/** An entry of `added_tokens` in a tokenizer.json: found in texts before anything else is. */
export interface AddedToken {
  id: number
  content: string
  single_word: boolean
  lstrip: boolean
  rstrip: boolean
  normalized: boolean
  special: boolean
}

type Flags = Partial<Omit<AddedToken, 'id' | 'content'>>

/**
 * The tokens that are found whole in texts: those that the model controls or that its trainer listed, those with a
 * role, and those that the checkpoint's files add. Those without an id get the next ones.
 *
 * @param vocabulary Every token of the vocabulary, in the order of ids.
 * @returns The vocabulary, where a file may have renamed tokens, and the tokens by id.
 */
export function addedTokens(
  vocabulary: readonly Entry[],
  parts: {
    input: LayoutInput
    layout: Layout
    config: Configuration
    added?: Readonly<Record<string, unknown>> | undefined
  },
): { entries: Entry[]; added: AddedToken[] } {
  const { input, layout, config } = parts
  const entries = [...vocabulary]
  const ids = new Map(entries.map(([token], id) => [token, id]))
  let next = entries.length
  const flags = new Map<string, Flags>()
  const add = (content: string | undefined, change: Flags, id?: number) => {
    if (content === undefined || content === '') return
    if (!ids.has(content)) {
      const place = Number.isSafeInteger(id) && id! >= 0 ? id! : next
      const renamed = entries[place]
      if (renamed) {
        ids.delete(renamed[0])
        entries[place] = [content, 0]
      }
      ids.set(content, place)
      next = Math.max(next, place + 1)
    }
    flags.set(content, { ...flags.get(content), ...change })
  }
  for (const { text, type } of input.model.pieces) {
    if (type !== pieceTypes.control && type !== pieceTypes.userDefined) continue
    if (ids.has(text)) add(text, { special: type === pieceTypes.control })
  }
  for (const token of layout.moreSpecialTokens?.(input) ?? []) add(token, { special: true })
  const decoder = Object.entries((config.added_tokens_decoder ?? {}) as Record<string, Flags>)
  for (const [id, token] of decoder) add(tokenText(token), flagsOf(token), Number(id))
  for (const [token, id] of Object.entries(parts.added ?? {})) add(token, {}, Number(id))
  for (const [role, token] of Object.entries(input.tokens)) {
    const lstrip = role === 'mask' && layout.maskTakesSpaces === true
    add(token, { lstrip, ...flags.get(token), special: true })
  }
  for (const list of [config.additional_special_tokens, config.extra_special_tokens]) {
    const tokens = typeof list === 'object' ? Object.values(list ?? {}) : []
    for (const token of tokens) add(tokenText(token), { ...flagsOf(token), special: true })
  }
  const added = [...flags].map(([content, change]): AddedToken => {
    const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false }
    return { id: ids.get(content)!, content, ...plain, ...change }
  })
  return { entries, added: added.sort((first, second) => first.id - second.id) }
}

/** Those that a file states. */
function flagsOf(token: unknown): Flags {
  const names = ['single_word', 'lstrip', 'rstrip', 'normalized', 'special'] as const
  const given = token as Flags | null
  return Object.fromEntries(
    names.filter((name) => typeof given?.[name] === 'boolean').map((name) => [name, given![name]]),
  )
}
