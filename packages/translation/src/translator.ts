import { checkIsOptions } from '@tfx/common'
import type { SequenceToSequenceConfig } from '@tfx/core'
import { answerStream, type ModelBasics, modelBasics } from '@tfx/transfer'
import { type EvaluateOptions, evaluateTranslations, type TranslationScores } from './evaluate'
import type { PairSource } from './pair'
import { type TranslateOptions, type TranslationLanguageModel, translateTexts } from './translate'

/** A model that translates. */
export interface Translator extends ModelBasics<SequenceToSequenceConfig> {
  /**
   * Translates a text, or several. Long documents are translated sentence by sentence, and keep their layout.
   *
   * @throws ArgumentError on texts that are blank, too long, or hold control characters or half a surrogate pair, on
   *   languages that the model does not know, and on settings that contradict each other; AbortError on `signal`.
   */
  translate(text: string, options?: TranslateOptions): Promise<string>
  translate(texts: readonly string[], options?: TranslateOptions): Promise<string[]>
  /**
   * Translates texts as they come, in constant memory and in their order; `batchSize` (16) of them at a time. The stream is read
   * no further than translations are asked for.
   *
   * @throws As `translate`.
   *
   * @example
   * ```ts
   * for await (const line of model.predictStream(createInterface({ input: process.stdin }))) console.log(line)
   * ```
   */
  predictStream(
    texts: Iterable<string> | AsyncIterable<string>,
    options?: TranslateOptions,
  ): AsyncGenerator<string, void, undefined>
  /**
   * Translates the texts of pairs as they are, uncut, and compares with their translations.
   *
   * @throws DataError as `transfer`, ArgumentError as `translate`.
   */
  evaluate(dataset: PairSource, options?: EvaluateOptions): Promise<TranslationScores>
}

/** What a trained language model is for those who want translations. */
export function createTranslator(model: TranslationLanguageModel): Translator {
  async function translate(text: string, options?: TranslateOptions): Promise<string>
  async function translate(texts: readonly string[], options?: TranslateOptions): Promise<string[]>
  async function translate(
    given: string | readonly string[],
    options?: TranslateOptions,
  ): Promise<string | string[]> {
    if (Array.isArray(given)) return translateTexts(model, given as readonly string[], options)
    const [translation] = await translateTexts(model, [given as string], options)
    return translation!
  }
  return {
    ...modelBasics(model),
    translate,
    async *predictStream(texts, options = {}) {
      checkIsOptions(options, { caller: 'predictStream' })
      yield* answerStream(texts, {
        batchSize: options.batchSize ?? 16,
        signal: options.signal,
        answer: (batch, part) => translateTexts(model, batch, { ...options, ...part }),
      })
    },
    evaluate: (dataset, options) => evaluateTranslations(model, dataset, options),
  }
}
