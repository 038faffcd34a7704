import { ArgumentError, CheckpointError } from '@tfx/common'
import type { Tokenizer } from '@tfx/core'
import { chatTemplates } from './built-in-templates'

/** The templates of a tokenizer by name; `default` is the one that is meant where there is one. */
export function templatesOf({ files }: Pick<Tokenizer, 'files'>): ReadonlyMap<string, string> {
  const file = files.get('chat_template.jinja')
  const { chat_template: given } = configOf(files)
  if (file) return new Map([['default', new TextDecoder().decode(file)]])
  if (typeof given === 'string') return new Map([['default', given]])
  const named = Array.isArray(given) ? (given as unknown[]) : []
  return new Map(named.flatMap((entry) => (isNamed(entry) ? [[entry.name, entry.template] as const] : [])))
}

const isNamed = (entry: unknown): entry is { name: string; template: string } => {
  const { name, template } = (entry ?? {}) as Record<string, unknown>
  return typeof name === 'string' && typeof template === 'string'
}

/**
 * A template by its name, or itself.
 *
 * @param named Those that a tokenizer has; {@link chatTemplates} have names too.
 * @throws ArgumentError on a name that there is not: as a template it would write the same for every dialogue.
 */
export function templateOf(chosen: unknown, named: ReadonlyMap<string, string>): string {
  const builtIn = new Map<string, string>(Object.entries(chatTemplates))
  if (typeof chosen === 'string') {
    const found = named.get(chosen) ?? builtIn.get(chosen)
    if (found !== undefined) return found
    if (chosen.includes('{')) return chosen
  }
  const names = new Set([...named.keys(), ...builtIn.keys()])
  throw new ArgumentError({
    function: 'createChatTemplate',
    argument: 'chatTemplate',
    expected: `a Jinja template, or the name of one: ${[...names].join(', ')}`,
    received: JSON.stringify(chosen),
    remedy: 'Pass the text of the template, not the name of its file.',
  })
}

/**
 * The template to use: the one that was given, or is named so, else the tokenizer's for tools where there are tools, else
 * its default.
 *
 * @param chosen A template, or the name of one.
 * @throws CheckpointError if there is none, ArgumentError if there is none of this name.
 */
export function chooseTemplate(
  tokenizer: Pick<Tokenizer, 'files'>,
  { chosen, hasTools = false }: { chosen?: string | undefined; hasTools?: boolean },
): string {
  const templates = templatesOf(tokenizer)
  const template =
    chosen === undefined
      ? ((hasTools ? templates.get('tool_use') : undefined) ?? templates.get('default'))
      : templateOf(chosen, templates)
  if (template !== undefined) return template
  throw new CheckpointError({
    function: 'createChatTemplate',
    argument: 'tokenizer',
    expected: 'one with a chat template in tokenizer_config.json or chat_template.jinja',
    received: templates.size === 0 ? 'one without' : `only the names ${[...templates.keys()].join(', ')}`,
    remedy: 'Pass one: { chatTemplate }; chatTemplates.chatml fits a base that has learned no format.',
  })
}

/** The roles of special tokens that templates may name. */
const specialTokenNames = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const

/** The special tokens that a template reads as variables. */
export function specialTokenVariables({ files }: Pick<Tokenizer, 'files'>): Record<string, string> {
  const config = configOf(files)
  return Object.fromEntries(
    specialTokenNames.flatMap((name) => {
      const token = config[name] as { content?: unknown } | string | null | undefined
      const text = typeof token === 'object' ? token?.content : token
      return typeof text === 'string' ? [[name, text]] : []
    }),
  )
}

function configOf(files: Tokenizer['files']): Record<string, unknown> {
  // loadTokenizer has parsed them before.
  const parse = (name: string) => {
    const bytes = files.get(name)
    return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>) : {}
  }
  return { ...parse('special_tokens_map.json'), ...parse('tokenizer_config.json') }
}
