import { encoderStack, encoderStackSpecs, type EncoderStack } from '../blocks/encoder-stack'
import {
  classifierInput,
  firstToken,
  pooled,
  type SequenceClassifier,
  tiedLanguageModelHead,
} from '../blocks/heads'
import { dropoutLayer, linearLayer, type Activation } from '../blocks/layers'
import { layerNormSpecs, linearSpecs, type ParameterSpecs } from '../blocks/parameters'
import type { EncoderConfig, EncoderTask } from '../config/encoder-config'
import type { EncoderFamily } from './encoder-family'

/** What one encoder of post-norm layers is, beside what all of them have in common. */
export interface PostNormDefinition<C extends EncoderConfig> extends Pick<
  EncoderFamily<C>,
  | 'modelType'
  | 'backbonePrefix'
  | 'aliases'
  | 'tiedCopies'
  | 'usesTokenTypes'
  | 'parseConfig'
  | 'formatConfig'
> {
  /** What the names of its Hugging Face classes start with, for instance `Bert`. */
  readonly classPrefix: string
  readonly stack: (config: C) => EncoderStack
  readonly classifier: SequenceClassifier
  /** Rate before the classifier of tokens. Default: that of `classifierDropout`. */
  readonly tokenDropout?: (config: C) => number
  /** Names of the masked language model head; `bias` is a full parameter name. */
  readonly languageModel: { dense: string; norm: string; bias: string; activation?: Activation }
}

/** Module name of the classifier of tokens, the same everywhere. */
const tokenClassifier = 'classifier'

/** The model family of a definition: its backbone and the heads of every task. */
export function postNormFamily<C extends EncoderConfig>({
  classPrefix,
  stack,
  classifier,
  tokenDropout = ({ classifierDropout }) => classifierDropout,
  languageModel,
  ...family
}: PostNormDefinition<C>): EncoderFamily<C> {
  const readByClassifier: EncoderFamily<C>['classifierInput'] = (parameters, hidden, { config, training }) =>
    classifierInput(parameters, hidden, { head: classifier, dropout: config.classifierDropout, training })
  return {
    ...family,
    kind: 'encoder',
    architectures: {
      'feature-extraction': `${classPrefix}Model`,
      pretraining: `${classPrefix}ForMaskedLM`,
      'sequence-classification': `${classPrefix}ForSequenceClassification`,
      'token-classification': `${classPrefix}ForTokenClassification`,
      'masked-language-modelling': `${classPrefix}ForMaskedLM`,
    },
    maxLength(config) {
      const { positionPadding } = stack(config)
      return config.maxPositionEmbeddings - (positionPadding === undefined ? 0 : positionPadding + 1)
    },
    parameterShapes(config, task) {
      const layers = stack(config)
      return {
        ...encoderStackSpecs(layers, config),
        ...headSpecs(config, task, { embeddingSize: layers.embeddingSize, classifier, languageModel }),
      }
    },
    backbone: (parameters, inputs, { config, training }) =>
      encoderStack(parameters, inputs, { stack: stack(config), config, training }),
    pooledOutput: (parameters, hidden) => pooled(parameters, firstToken(hidden), classifier),
    classifierLayer: classifier.output,
    classifierInput: readByClassifier,
    sequenceClassificationHead: (parameters, hidden, run) =>
      linearLayer(parameters, classifier.output, readByClassifier(parameters, hidden, run)),
    tokenClassificationHead: (parameters, hidden, { config, training }) =>
      linearLayer(parameters, tokenClassifier, dropoutLayer(hidden, tokenDropout(config), training)),
    maskedLanguageModelHead: (parameters, hidden, { config, maskedPositions }) =>
      tiedLanguageModelHead(parameters, hidden, {
        names: { ...languageModel, tied: stack(config).embeddings.word },
        activation: languageModel.activation ?? config.hiddenAct,
        epsilon: config.layerNormEpsilon,
        maskedPositions,
      }),
  }
}

function headSpecs<C extends EncoderConfig>(
  { hiddenSize, vocabSize, labels }: C,
  task: EncoderTask,
  {
    embeddingSize,
    classifier,
    languageModel,
  }: Pick<PostNormDefinition<C>, 'classifier' | 'languageModel'> & { embeddingSize: number },
): ParameterSpecs {
  const poolerSpecs = linearSpecs(classifier.dense, hiddenSize, hiddenSize)
  const languageModelSpecs: ParameterSpecs = {
    [languageModel.bias]: { shape: [vocabSize], initialize: 'zeros' },
    ...linearSpecs(languageModel.dense, embeddingSize, hiddenSize),
    ...layerNormSpecs(languageModel.norm, embeddingSize),
  }
  switch (task) {
    case 'feature-extraction':
      return {}
    case 'sequence-classification':
      return { ...poolerSpecs, ...linearSpecs(classifier.output, labels.length, hiddenSize) }
    case 'token-classification':
      return linearSpecs(tokenClassifier, labels.length, hiddenSize)
    case 'pretraining':
      return { ...languageModelSpecs, ...poolerSpecs }
    case 'masked-language-modelling':
      return languageModelSpecs
  }
}
