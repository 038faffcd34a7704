import type { WriteOptions } from '@tfx/chat'
import type { InferencePrecision, OnnxPrecision } from '@tfx/core'
import { type Command, InvalidArgumentError, Option } from 'commander'

/** Reads a whole number from `lowest` on. */
export const whole =
  (lowest = 0) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= lowest) return value
    throw new InvalidArgumentError(`It must be a whole number of at least ${lowest}.`)
  }

/** Reads a number. */
export function decimal(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new InvalidArgumentError('It must be a number.')
}

/** Reads a learning rate, or that one is to be found. */
export const rate = (text: string): number | 'find' => (text === 'find' ? text : decimal(text))

/** Collects the values of an option that may be given several times. */
export const collect = (text: string, before: readonly string[] = []): string[] => [...before, text]

/** Reads a list of precisions; `none` for an empty one. */
export const precisions = (text: string): OnnxPrecision[] =>
  text.split(',').filter((precision) => precision !== 'none') as OnnxPrecision[]

/** What a loaded model computes with. */
export const precisionOption = (): Option =>
  new Option(
    '--precision <name>',
    'int8 and int4 are faster, and answer a little differently (default: float32)',
  ).choices(['float32', 'int8', 'int4'])

/** What {@link addLoadOptions} adds, as commander gives it. */
export interface LoadFlags {
  readonly adapter?: string
  readonly precision?: InferencePrecision
}

/** Adds the options of every command that loads one model. */
export const addLoadOptions = (command: Command): Command =>
  command
    .option('--adapter <directory>', 'what LoRA or its like has learned on this base, in the format of PEFT')
    .addOption(precisionOption())

/** The flags as options of `load`. */
export const loadOptions = ({ adapter, precision }: LoadFlags): LoadFlags => ({
  ...(adapter !== undefined && { adapter }),
  ...(precision && { precision }),
})

/** Collects `name=directory`. */
export function namedDirectory(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [name, ...rest] = text.split('=')
  const directory = rest.join('=')
  if (name && directory) return { ...before, [name]: directory }
  throw new InvalidArgumentError('It must look like name=directory.')
}

/** Reads `name=value`, the value as JSON where it is that, else as text. */
export function assignment(
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must look like name=value.')
  return { ...before, [text.slice(0, at)]: jsonOrText(text.slice(at + 1)) }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** What {@link addWriteOptions} adds, as commander gives it. */
export interface WriteFlags {
  readonly maxTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly seed?: number
  readonly stop?: string[]
}

/** Adds the options of every command that writes text. */
export function addWriteOptions(command: Command): Command {
  return command
    .option('--max-tokens <n>', 'the most tokens to write', whole(1))
    .option('--temperature <number>', 'of the draws; 0 takes the likeliest token', decimal)
    .option('--top-p <number>', 'draw among the likeliest tokens that have this probability', decimal)
    .option('--top-k <n>', 'draw among so many of the likeliest tokens', whole())
    .option('--seed <n>', 'decides the draws (default: 42)', whole())
    .addOption(new Option('--stop <text>', 'end in front of this text; may be repeated').argParser(collect))
}

/** The flags as options of a model. */
export function writeOptions({ maxTokens, temperature, topP, topK, seed, stop }: WriteFlags): WriteOptions {
  const options = { maxNewTokens: maxTokens, temperature, topP, topK, seed, stop }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
