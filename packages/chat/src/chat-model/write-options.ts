import { ArgumentError } from '@tfx/common'
import type { GenerateOptions, GenerationConfig } from '@tfx/core'
import type { AdapterChoice } from '@tfx/transfer'
import type { ReplyCache } from './reply-cache'

/** How a reply ended. */
export interface WrittenText {
  /** `stop`: by an end token or a stop string. `length`: for want of room, or of `maxNewTokens`. */
  readonly finish: 'stop' | 'length'
  /** Tokens of the prompt. */
  readonly promptTokens: number
  /** How many of them were known from the `cache`, and not read again. Absent: none. */
  readonly cachedTokens?: number
  /** Tokens that it wrote, the end token and those of a stop string included. */
  readonly completionTokens: number
}

/** How text is written. What is left out is as generation_config.json says, and else as in Hugging Face's `generate`. */
export interface WriteOptions extends AdapterChoice {
  /** The most tokens to write; never more than the context has room for. Default 512. */
  readonly maxNewTokens?: number
  /** Of the draw of each token; 0 takes the likeliest. This and the next three turn sampling on. */
  readonly temperature?: number
  /** Draws among the likeliest tokens that together have this probability. */
  readonly topP?: number
  /** Draws among so many of the likeliest tokens; 0 for any number. */
  readonly topK?: number
  /** Draws among tokens at least this share as likely as the likeliest. */
  readonly minP?: number
  /** Above 1: tokens that the text has already become less likely. */
  readonly repetitionPenalty?: number
  /** Texts that end the reply; they are not part of it. */
  readonly stop?: string | readonly string[]
  /** Decides every draw. Default 42. */
  readonly seed?: number
  readonly signal?: AbortSignal
  /** Keys and values of earlier texts, which this one may begin as: `openCache` of the model. Default: none. */
  readonly cache?: ReplyCache | undefined
  /** Told how it ended, after the last piece of the text; not if it was broken off. */
  readonly onEnd?: (written: WrittenText) => void
}

const optionNames = Object.keys({
  maxNewTokens: true,
  temperature: true,
  topP: true,
  topK: true,
  minP: true,
  repetitionPenalty: true,
  stop: true,
  seed: true,
  signal: true,
  cache: true,
  adapter: true,
  onEnd: true,
} satisfies Record<keyof WriteOptions, true>)

/** @throws ArgumentError on an option that does not exist, or a wrong stop string. */
export function checkWriteOptions(options: WriteOptions, caller: string): void {
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name))
  if (unknown !== undefined) {
    throw wrongOption(caller, {
      argument: 'options',
      expected: `made of ${[...optionNames].sort().join(', ')}`,
      received: `'${unknown}'`,
    })
  }
  const wrong = stopStrings(options).find((stop: unknown) => typeof stop !== 'string' || stop === '')
  if (wrong !== undefined) {
    throw wrongOption(caller, {
      argument: 'stop',
      expected: 'made of texts that are not empty',
      received: JSON.stringify(wrong),
    })
  }
}

const wrongOption = (
  caller: string,
  details: { readonly argument: string; readonly expected: string; readonly received: string },
) => new ArgumentError({ function: caller, ...details, remedy: 'Correct it or leave it out.' })

/** The texts that end a reply. */
export function stopStrings({ stop = [] }: WriteOptions): readonly string[] {
  return Array.isArray(stop) ? (stop as readonly string[]) : [stop as string]
}

/**
 * Settings of core's `generate` for one text, without its length and its ends.
 *
 * @param generation What generation_config.json says.
 */
export function settingsOf(
  { temperature, topP, topK, minP, repetitionPenalty, seed, signal }: WriteOptions,
  generation: Partial<GenerationConfig>,
): GenerateOptions {
  const draws = [temperature, topP, topK, minP].some((option) => option !== undefined)
  const doSample = temperature === 0 ? false : draws || generation.doSample
  const given = { doSample, topP, topK, minP, repetitionPenalty, seed, signal }
  return {
    ...generation,
    // Text that is given out as it is written cannot be taken back: no beams, whatever the model's authors used.
    ...{ numBeams: 1, numBeamGroups: 1, diversityPenalty: 0, numReturnSequences: 1, penaltyAlpha: undefined },
    ...{ stopStrings: undefined, maxLength: undefined },
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(temperature !== undefined && temperature !== 0 && { temperature }),
  }
}
