import { ArgumentError } from '@tfx/common'
import type { GenerationConfig, Tokenizer } from '@tfx/core'
import { chatTemplates } from '../template/built-in-templates'
import { specialTokenVariables, templateOf, templatesOf } from '../template/read-template'

/**
 * A tokenizer with the template that dialogues are written by: the one that was given, or is named so; else its own; else
 * `chatTemplates.plain`. It is saved with the model.
 *
 * @throws ArgumentError if there is none of this name, or it has none, and no token that could end an answer.
 */
export function withTemplate(tokenizer: Tokenizer, chosen: string | undefined): Tokenizer {
  const templates = templatesOf(tokenizer)
  if (chosen !== undefined) return withSource(tokenizer, templateOf(chosen, templates))
  if (templates.has('default')) return tokenizer
  if (specialTokenVariables(tokenizer).eos_token !== undefined)
    return withSource(tokenizer, chatTemplates.plain)
  throw new ArgumentError({
    function: 'transfer',
    argument: 'base',
    expected: 'one with a chat template, or with a token that ends a text',
    received: 'one without',
    remedy: 'Pass { chatTemplate }, a Jinja template that ends answers in a way of its own.',
  })
}

/** As Python's transformers 5 and Transformers.js, which read the file, and older ones, which read the field, find it. */
function withSource(tokenizer: Tokenizer, source: string): Tokenizer {
  const config = tokenizer.files.get('tokenizer_config.json')
  const json = config ? (JSON.parse(new TextDecoder().decode(config)) as object) : {}
  const encoder = new TextEncoder()
  const files = new Map(tokenizer.files)
  files.set(
    'tokenizer_config.json',
    encoder.encode(`${JSON.stringify({ ...json, chat_template: source }, undefined, 2)}\n`),
  )
  files.set('chat_template.jinja', encoder.encode(source))
  return { ...tokenizer, files }
}

/** Special tokens that end a turn in well-known templates. */
const turnEnds = ['<|im_end|>', '<|eot_id|>', '<end_of_turn>', '<|end|>', '<|end_of_turn|>']

/** How a model is meant to write, with what ends a turn of its template among the ends of a text. */
export function endingTurns(
  given: Partial<GenerationConfig>,
  tokenizer: Tokenizer,
): Partial<GenerationConfig> {
  const template = templatesOf(tokenizer).get('default')
  if (template === undefined) return given
  const ends = new Set(given.eosTokenIds)
  const vocabulary = tokenizer.vocabulary()
  const own = specialTokenVariables(tokenizer).eos_token ?? ''
  for (const text of [own, ...turnEnds.filter((end) => template.includes(end))]) {
    const id = vocabulary.get(text)
    if (id !== undefined) ends.add(id)
  }
  return { ...given, eosTokenIds: [...ends] }
}
