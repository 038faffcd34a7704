import { ArgumentError } from '@tfx/common'
import type { ModelConfig } from '../config/model-config'
import { resolveLanguage } from './languages'
import type { Tokenizer } from './tokenizer'

/** From which language to which; each by the model's code for it, or by another one, such as `de` for `deu_Latn`. */
export interface TranslationDirection {
  readonly source?: string | undefined
  readonly target?: string | undefined
}

/** What a translation model is told by its texts. */
export interface TranslationTokens {
  /** Encodes texts to translate. */
  readonly source: Tokenizer
  /** Encodes translations to learn, and decodes what is written. */
  readonly target: Tokenizer
  /** Put before each text to translate: T5's task. */
  readonly prefix: string
  /** What the decoder must begin with. */
  readonly generation: { readonly forcedBosTokenId?: number; readonly decoderStartTokenId?: number }
}

/**
 * How a translation model reads texts of one language and writes another, as transformers does with `src_lang` and
 * `tgt_lang`: mBART, mBART-50, NLLB, M2M100, Marian and T5. Models of one direction are told nothing.
 *
 * @param model A checkpoint: its tokenizer and configuration.
 * @param direction Needed where the model has several; T5 without one is told no task.
 * @param caller The function to name in errors.
 * @throws ArgumentError if a language is missing, or the model does not know it.
 *
 * @example
 * ```ts
 * const checkpoint = await loadCheckpoint('facebook/nllb-200-distilled-600M', { kind: 'encoder-decoder' })
 * const { source, target, generation } = translationTokens(checkpoint, { source: 'en', target: 'de' })
 * source.encode('Good morning').inputIds // eng_Latn … </s>
 * target.encode('Guten Morgen').inputIds // deu_Latn … </s>
 * ```
 */
export function translationTokens(
  { tokenizer, config }: { tokenizer: Tokenizer; config: ModelConfig },
  direction: TranslationDirection,
  caller = 'translationTokens',
): TranslationTokens {
  const { languages, target: targetTokenizer = tokenizer } = tokenizer
  const plain = { source: tokenizer, target: targetTokenizer, prefix: '', generation: {} }
  if (languages === undefined) {
    return { ...plain, prefix: translationPrefix(config, direction) }
  }
  const code = (side: 'source' | 'target') => {
    const language = direction[side]
    const argument = { function: caller, argument: side }
    if (language !== undefined) return resolveLanguage(language, languages.tokens.keys(), argument)
    throw new ArgumentError({
      ...argument,
      expected: `the language of the ${side === 'source' ? 'texts' : 'translations'}: the model knows several`,
      received: 'nothing',
      remedy: `Name it, for instance { ${side}: '${[...languages.tokens.keys()][0]!}' }.`,
    })
  }
  const target = code('target')
  if (languages.family === 'marian') return { ...plain, source: tokenizer.withLanguage(target) }
  const token = languages.tokens.get(target)!
  return {
    source: tokenizer.withLanguage(code('source')),
    target: targetTokenizer.withLanguage(target),
    prefix: '',
    generation: languages.family === 'mbart' ? { decoderStartTokenId: token } : { forcedBosTokenId: token },
  }
}

/**
 * What T5 is told before each text: what config.json says of the direction, else the words that T5 was trained with. Other
 * models are told nothing.
 */
export function translationPrefix(config: ModelConfig, { source, target }: TranslationDirection): string {
  if (config.modelType !== 't5' && config.modelType !== 'mt5') return ''
  if (source === undefined || target === undefined) return ''
  const tasks = config.source.task_specific_params as Record<string, { prefix?: unknown }> | null | undefined
  const given = tasks?.[`translation_${source}_to_${target}`]?.prefix
  return typeof given === 'string' ? given : `translate ${nameOf(source)} to ${nameOf(target)}: `
}

/** The English name of a language. */
function nameOf(code: string): string {
  try {
    return new Intl.DisplayNames(['en'], { type: 'language' }).of(code.replaceAll('_', '-')) ?? code
  } catch {
    return code
  }
}
