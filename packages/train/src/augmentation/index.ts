export {
  augmentStream,
  type AugmentStreamOptions,
  augmentText,
  augmentTexts,
  type AugmentationPlace,
} from './augment'
export type { Augmentation, BatchAugmentation, TextAugmentation } from './augmentation'
export { backTranslation, type BackTranslationOptions, type Translate } from './back-translation'
export {
  caseNoise,
  characterDeletion,
  characterInsertion,
  characterSubstitution,
  characterSwap,
  type NewCharactersOptions,
} from './character-noise'
export type { CharacterNoiseOptions } from './characters'
export { compose, oneOf, withProbability } from './combine'
export { eda } from './eda'
export { type KeyboardLayout, keyboardTypos, type KeyboardTyposOptions } from './keyboard-typos'
export { spanMasking, type SpanMaskingOptions } from './span-masking'
export { englishStopWords } from './stop-words'
export { synonymInsertion, type SynonymOptions, synonymReplacement, type Synonyms } from './synonyms'
export { wordDeletion, type WordNoiseOptions, wordSwap } from './word-noise'
export { loadWordNet, type LoadWordNetOptions } from './wordnet'
