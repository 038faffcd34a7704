import { addedTokens } from './added-tokens'
import { type Configuration, type Layout, type LayoutInput, specialRoles } from './layout'
import type { SentencePieceModel } from './model-file'
import { charactersStep, type Step, wordDecoder, wordSteps } from './steps'
import { tokenText } from '../token-text'
import { entriesOf, modelJson } from './vocabulary'

/** What Hugging Face's programs read, of a tokenizer that had other files. */
export interface ConvertedTokenizer {
  /** tokenizer.json. */
  tokenizer: Record<string, unknown>
  /** tokenizer_config.json: what it was, and what the family's class knows. */
  config: Record<string, unknown>
}

/**
 * The content of the tokenizer.json of a checkpoint that has only a SentencePiece model: what Hugging Face
 * transformers converts it to.
 *
 * @param parts `config`: special_tokens_map.json and tokenizer_config.json in one. `added`: added_tokens.json.
 */
export function sentencePieceTokenizer(parts: {
  model: SentencePieceModel
  layout: Layout
  config: Configuration
  added?: Readonly<Record<string, unknown>> | undefined
}): ConvertedTokenizer {
  const { model, layout, config } = parts
  const tokens = specialTokens(layout, config)
  const input: LayoutInput = { model, config, tokens }
  const { entries, added } = addedTokens(layout.vocabulary?.(input) ?? entriesOf(model), {
    ...parts,
    input,
  })
  const ids = new Map([
    ...entries.map(([token], id) => [token, id] as const),
    ...added.map(({ content, id }) => [content, id] as const),
  ])
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: sequence('normalizers', layout.normalizer?.(input) ?? charactersStep(model)),
    pre_tokenizer: sequence('pretokenizers', layout.preTokenizer?.(input) ?? wordSteps),
    post_processor: templateProcessing(layout.template(input), (role) => {
      const token = /^'(.*)'$/.exec(role)?.[1] ?? tokens[role as keyof typeof tokens]
      const id = token === undefined ? undefined : ids.get(token)
      return token === undefined || id === undefined ? undefined : { token, id }
    }),
    decoder: layout.decoder?.(input) ?? wordDecoder,
    model: modelJson(model, { entries, unknown: tokens.unk ?? '' }),
  }
  const named = Object.fromEntries(Object.entries(tokens).map(([role, token]) => [`${role}_token`, token]))
  return { tokenizer, config: { tokenizer_class: layout.name, ...named, ...config } }
}

/** The tokens of a checkpoint's roles: what its files say, else what its family says. */
export function specialTokens(layout: Layout, config: Configuration): LayoutInput['tokens'] {
  return Object.fromEntries(
    specialRoles.flatMap((role) => {
      const token = tokenText(config[`${role}_token`]) ?? layout.specialTokens[role]
      return token === undefined || config[`${role}_token`] === null ? [] : [[role, token]]
    }),
  )
}

/** One step is itself, several are a sequence, none is nothing. */
function sequence(key: 'normalizers' | 'pretokenizers', steps: readonly Step[]): Step | null {
  return steps.length > 1 ? { type: 'Sequence', [key]: steps } : (steps[0] ?? null)
}

/** @param find The token of a role or of a quoted token; those that the vocabulary lacks are left out. */
export function templateProcessing(
  { single, pair }: { single: string; pair: string },
  find: (role: string) => { token: string; id: number } | undefined,
): Step {
  const used = new Map<string, number>()
  const parse = (template: string) =>
    template.split('|').flatMap((part, type) =>
      part.split(' ').flatMap((name): Step[] => {
        if (name === 'A' || name === 'B') return [{ Sequence: { id: name, type_id: type } }]
        const found = name === '' ? undefined : find(name)
        if (!found) return []
        used.set(found.token, found.id)
        return [{ SpecialToken: { id: found.token, type_id: type } }]
      }),
    )
  const templates = { single: parse(single), pair: parse(pair) }
  return {
    type: 'TemplateProcessing',
    ...templates,
    special_tokens: Object.fromEntries(
      [...used].map(([id, value]) => [id, { id, ids: [value], tokens: [id] }]),
    ),
  }
}
