import type { DecoderConfig, GenerationConfig, SequenceToSequenceConfig, Tokenizer } from '@tfx/core'
import type { Encoding } from '@tfx/data'
import type { EncodedExample, EncodeTaskOptions, TaskBasics } from '../task'
import type { LanguageModel } from './language-model'

/** The configuration of a model that writes. */
export type WritingModelConfig = DecoderConfig | SequenceToSequenceConfig

/** What every task of a model that writes takes, beside the options of every `transfer`. */
export interface WritingOptions {
  /** ε of label smoothing; evaluations are without it. Default 0. */
  labelSmoothing?: number
  /**
   * Let the model write at each evaluation too, for all validation examples or for so many, and measure what it writes beside the
   * loss: it takes as long as writing does. For tasks that have such a measure. Default false.
   */
  evaluateWriting?: boolean | number
}

/** The tokens of an example of a model that writes. */
export interface WritingEncoding<Example> extends EncodedExample<Example> {
  /** What an encoder reads; or a decoder, prompt and answer. */
  readonly encoding: Encoding
  /**
   * What is to be written, with its end token; −100 where nothing is to be learned. An encoder-decoder's have a length of
   * their own; a decoder's are as long as its tokens, not shifted.
   */
  readonly labels: ArrayLike<number>
}

/**
 * A task of a model that writes, a decoder or an encoder-decoder: how rows become examples, examples tokens, and what is
 * made of the trained model. The loss is the mean cross-entropy of the tokens that are to be written.
 *
 * @typeParam Example What is learned from, for instance a text and its translation; one with a `text` can be augmented.
 * @typeParam Model What comes out, for instance something that translates; its `dispose` must dispose of the language model.
 */
export interface WritingHead<
  Example,
  Options extends WritingOptions,
  Config extends WritingModelConfig,
  Model extends object,
> extends TaskBasics<Example, Options, Config> {
  readonly kind: Config extends DecoderConfig ? 'decoder' : 'encoder-decoder'
  /** Whether examples have a `text` that augmentation may change. */
  readonly hasTexts: boolean
  /** @throws DataError if texts are longer than `maxLength` and may not be cut. */
  encode(
    examples: readonly Example[],
    options: EncodeTaskOptions<Options, Config>,
  ): Promise<WritingEncoding<Example>[]>
  /** How the model is meant to write: what generation_config.json will say. Default: what the base's says. */
  generation?(
    given: Partial<GenerationConfig>,
    config: Config,
    tokenizer: Tokenizer,
  ): Partial<GenerationConfig>
  model(languageModel: LanguageModel<Example, Options, Config>): Model
  /**
   * Lets the model write for some examples, and measures what it writes: BLEU, say. Default: `evaluateWriting` is refused.
   */
  scoreWriting?(
    languageModel: LanguageModel<Example, Options, Config>,
    examples: readonly Example[],
    run: { signal?: AbortSignal | undefined },
  ): Promise<Readonly<Record<string, number>>>
}
