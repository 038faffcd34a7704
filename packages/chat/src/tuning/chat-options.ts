import { ArgumentError } from '@tfx/common'
import type { WritingOptions } from '@tfx/transfer'

/** What chat takes beside the options of every `transfer`. */
export interface ChatOptions extends Omit<WritingOptions, 'evaluateWriting'> {
  /**
   * How dialogues are written: a template in Jinja, or the name of one of the base's or of {@link chatTemplates}. It is saved with the model. Default:
   * the base's, or {@link chatTemplates}.plain where it has none.
   */
  chatTemplate?: string
  /** Instructions for dialogues that begin without. Default: none. */
  systemPrompt?: string
  /**
   * A dialogue that does not end with the assistant is an `error`; `drop` leaves out what comes behind the assistant's last
   * message, and dialogues without one. Default `error`. Not with `dpo`.
   */
  unfinished?: 'error' | 'drop'
  /**
   * Put several dialogues into one example, up to `maxLength` tokens, where they are short. A dialogue then sees those before
   * it. Texts are always packed. Default false. Not with `dpo`.
   */
  packing?: boolean
  /**
   * `sft` learns what the assistant says; `dpo` learns from `{ prompt, chosen, rejected }` which of two answers is better
   * (Rafailov et al. 2023, arXiv:2305.18290), and takes no `labelSmoothing`. Default `sft`.
   */
  method?: 'sft' | 'dpo'
  /** How much preferences cost when they lead away from the base: β of DPO. Default 0.1. */
  beta?: number
}

/** The names of all options. */
export const chatOptionNames = Object.keys({
  chatTemplate: true,
  systemPrompt: true,
  unfinished: true,
  packing: true,
  method: true,
  beta: true,
  labelSmoothing: true,
} satisfies Record<keyof ChatOptions, true>) as (keyof ChatOptions)[]

/** @throws ArgumentError */
export function checkChatOptions(options: Readonly<Record<keyof ChatOptions, unknown>> | ChatOptions): void {
  const {
    chatTemplate,
    systemPrompt,
    unfinished,
    packing,
    method,
    beta,
  }: Partial<Record<keyof ChatOptions, unknown>> = options
  const isText = (value: unknown) => typeof value === 'string' && value.trim() !== ''
  const checks: [name: string, value: unknown, isRight: (value: unknown) => boolean, expected: string][] = [
    ['chatTemplate', chatTemplate, isText, 'a Jinja template, or the name of one'],
    ['systemPrompt', systemPrompt, isText, 'a text'],
    ['unfinished', unfinished, (value) => value === 'error' || value === 'drop', "'error' or 'drop'"],
    ['packing', packing, (value) => typeof value === 'boolean', 'true or false'],
    ['method', method, (value) => value === 'sft' || value === 'dpo', "'sft' or 'dpo'"],
    ['beta', beta, (value) => typeof value === 'number' && value > 0 && value < Infinity, 'a number above 0'],
  ]
  for (const [argument, value, isRight, expected] of checks) {
    if (value === undefined || isRight(value)) continue
    throw new ArgumentError({
      function: 'transfer',
      argument,
      expected,
      received: typeof value === 'number' ? String(value) : JSON.stringify(value),
      remedy: 'Leave it out to use the default.',
    })
  }
  if (method === 'dpo') checkPreferenceOptions(options)
  else if (beta !== undefined) {
    throw new ArgumentError({
      function: 'transfer',
      argument: 'beta',
      expected: "left out: it is for { method: 'dpo' }",
      received: JSON.stringify(beta),
      remedy: "Pass { method: 'dpo' } to learn from preferences.",
    })
  }
}

/** Options that preferences have no use for: TRL's sigmoid loss of DPO knows no smoothing, and answers come in pairs. */
const onlyDialogues = ['labelSmoothing', 'packing', 'unfinished'] as const

/** @throws ArgumentError */
function checkPreferenceOptions(options: Readonly<Partial<Record<keyof ChatOptions, unknown>>>): void {
  const given = onlyDialogues.find((name) => options[name] !== undefined)
  if (given === undefined) return
  throw new ArgumentError({
    function: 'transfer',
    argument: given,
    expected: "left out with { method: 'dpo' }, which learns without it",
    received: JSON.stringify(options[given]),
    remedy: 'Leave it out.',
  })
}
