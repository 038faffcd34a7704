import { ArgumentError } from '@tfx/common'
import {
  type SequenceToSequenceConfig,
  type Tokenizer,
  type TranslationDirection,
  translationPrefix,
  type TranslationTokens,
  translationTokens,
} from '@tfx/core'
import type { TranslationPair } from './pair'

/** What texts are translated by. */
export interface TranslationModel {
  readonly tokenizer: Tokenizer
  readonly config: SequenceToSequenceConfig
}

/** From one language to another. */
export interface Direction {
  readonly source: string
  readonly target: string
}

type Tasks = Readonly<Record<string, { readonly prefix?: unknown } | undefined>>

const tasksOf = ({ source }: SequenceToSequenceConfig): Tasks =>
  (source.task_specific_params as Tasks | null | undefined) ?? {}

/** The directions that a model was trained for, as its config.json says, or its tokenizer's (Marian). */
export function trainedDirections({ tokenizer, config }: TranslationModel): Direction[] {
  const found = Object.keys(tasksOf(config)).flatMap((task) => {
    const match = /^translation_(.+)_to_(.+)$/.exec(task)
    return match ? [{ source: match[1]!, target: match[2]! }] : []
  })
  if (found.length > 0 || tokenizer.languages) return found
  const bytes = tokenizer.files.get('tokenizer_config.json')
  const json = JSON.parse(new TextDecoder().decode(bytes ?? new TextEncoder().encode('{}'))) as Record<
    string,
    unknown
  >
  const { source_lang: source, target_lang: target } = json
  return typeof source === 'string' && typeof target === 'string' ? [{ source, target }] : []
}

/**
 * A configuration that says which directions were learned, as T5's do: transformers and Transformers.js find T5's prefix
 * there, and `load` what the model knows.
 */
export function withDirections(
  config: SequenceToSequenceConfig,
  pairs: readonly TranslationPair[],
): SequenceToSequenceConfig {
  const learned = directionsOf(pairs)
  const named = learned.filter((direction): direction is Direction => direction.source !== undefined)
  if (named.length === 0) return config
  const { translation: _, ...tasks } = tasksOf(config) as Record<string, object>
  for (const direction of named) {
    const name = `translation_${direction.source}_to_${direction.target}`
    const prefix = translationPrefix(config, direction)
    tasks[name] = { ...tasks[name], ...(prefix !== '' && { prefix }) }
    // Transformers.js knows the task by this name, and we the direction that is meant where none is named.
    if (prefix !== '' && learned.length === 1) tasks.translation = { prefix }
  }
  return { ...config, source: { ...config.source, task_specific_params: tasks } }
}

/** Whether a direction is the one that a model was last trained for alone. */
function isUsual({ config }: TranslationModel, { source, target }: Direction): boolean {
  const { translation, [`translation_${source}_to_${target}`]: own } = tasksOf(config)
  return translation?.prefix !== undefined && translation.prefix === own?.prefix
}

/** Each direction of some pairs once; {} for pairs that do not name their languages. */
export function directionsOf(pairs: readonly TranslationPair[]): TranslationDirection[] {
  const found = new Map<string, TranslationDirection>()
  for (const { sourceLanguage: source, targetLanguage: target } of pairs) {
    const isNamed = source !== undefined && target !== undefined
    found.set(JSON.stringify([source, target]), isNamed ? { source, target } : {})
  }
  return [...found.values()]
}

/** True for a pair of a direction. */
export const isOf = (
  { sourceLanguage, targetLanguage }: TranslationPair,
  { source, target }: TranslationDirection,
): boolean => sourceLanguage === source && targetLanguage === target

/**
 * How a model reads and writes the languages of a direction: the one that is asked for, or the one that it was trained for, last
 * and alone.
 *
 * @throws ArgumentError if the model does not know it, or knows several and none is named.
 */
export function tokensFor(
  model: TranslationModel,
  { source, target }: TranslationDirection,
  caller: string,
): TranslationTokens {
  const trained = trainedDirections(model)
  const isAsked = ({ source: from, target: to }: Direction) =>
    (source === undefined || source === from) && (target === undefined || target === to)
  const isNamed = source !== undefined || target !== undefined
  const usual = isNamed ? [] : trained.filter((direction) => isUsual(model, direction))
  const fitting = usual.length > 0 ? usual : trained.filter(isAsked)
  const [only] = fitting
  if (fitting.length === 1) return translationTokens(model, only!, caller)
  const isOpen = model.tokenizer.languages !== undefined || trained.length === 0
  if (isOpen) return translationTokens(model, { source, target }, caller)
  const pairs = trained.map(({ source: from, target: to }) => `${from} → ${to}`)
  throw new ArgumentError({
    function: caller,
    argument: source === undefined && target !== undefined ? 'target' : 'source',
    expected: `a pair of languages that the model knows: ${pairs.slice(0, 8).join(', ')}${pairs.length > 8 ? ', …' : ''}`,
    received: isNamed ? `${source ?? 'any'} → ${target ?? 'any'}` : 'none',
    remedy: 'Name one of them, or train a model of other languages: transfer(base, dataset).',
  })
}

/** The language of a code such as `deu_Latn`, by BCP 47: `de`; undefined if it is none. */
export function languageOf(code: string): string | undefined {
  try {
    return new Intl.Locale(code.replaceAll('_', '-')).language
  } catch {
    return undefined
  }
}
