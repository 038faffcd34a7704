import type { Activation } from '../blocks/layers'
import type { RotaryDecoderConfig } from './decoder-config'
import type { DecoderDefaults } from './decoder-fields'

/** Where a family's defaults are its own. */
export interface RotaryDecoderDefaults extends DecoderDefaults {
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numHiddenLayers: number
  readonly numAttentionHeads: number
  /** Default: as many as query heads. */
  readonly numKeyValueHeads?: number
  /** Default: hidden size / heads. */
  readonly headSize?: number
  readonly maxPositionEmbeddings: number
  readonly hiddenAct?: Activation
  readonly normEpsilon?: number
  readonly attentionSoftcap?: number
  readonly logitSoftcap?: number
  readonly slidingWindow?: number
}

const qwen = {
  vocabSize: 151936,
  hiddenSize: 4096,
  intermediateSize: 22016,
  numHiddenLayers: 32,
  numAttentionHeads: 32,
  numKeyValueHeads: 32,
  maxPositionEmbeddings: 32768,
  tieWordEmbeddings: false,
  slidingWindow: 4096,
} satisfies RotaryDecoderDefaults

const gemma = {
  hiddenSize: 2304,
  intermediateSize: 9216,
  numHiddenLayers: 26,
  numAttentionHeads: 8,
  numKeyValueHeads: 4,
  headSize: 256,
  hiddenAct: 'gelu_pytorch_tanh',
  tieWordEmbeddings: true,
  padTokenId: 0,
  bosTokenId: 2,
  eosTokenId: 1,
  slidingWindow: 4096,
} satisfies Omit<RotaryDecoderDefaults, 'vocabSize' | 'maxPositionEmbeddings'>

/** Those of the configuration classes of Hugging Face transformers 5.23. */
export const rotaryDecoderDefaults: Readonly<
  Record<RotaryDecoderConfig['modelType'], RotaryDecoderDefaults>
> = {
  llama: {
    vocabSize: 32000,
    hiddenSize: 4096,
    intermediateSize: 11008,
    numHiddenLayers: 32,
    numAttentionHeads: 32,
    maxPositionEmbeddings: 2048,
    tieWordEmbeddings: false,
    bosTokenId: 1,
    eosTokenId: 2,
  },
  mistral: {
    vocabSize: 32000,
    hiddenSize: 4096,
    intermediateSize: 14336,
    numHiddenLayers: 32,
    numAttentionHeads: 32,
    numKeyValueHeads: 8,
    maxPositionEmbeddings: 131072,
    tieWordEmbeddings: false,
    bosTokenId: 1,
    eosTokenId: 2,
    slidingWindow: 4096,
  },
  qwen2: qwen,
  qwen3: { ...qwen, headSize: 128 },
  gemma2: {
    ...gemma,
    vocabSize: 256000,
    maxPositionEmbeddings: 8192,
    attentionSoftcap: 50,
    logitSoftcap: 30,
  },
  gemma3_text: { ...gemma, vocabSize: 262208, maxPositionEmbeddings: 131072 },
  phi3: {
    vocabSize: 32064,
    hiddenSize: 3072,
    intermediateSize: 8192,
    numHiddenLayers: 32,
    numAttentionHeads: 32,
    maxPositionEmbeddings: 4096,
    normEpsilon: 1e-5,
    tieWordEmbeddings: false,
    padTokenId: 32000,
    bosTokenId: 1,
    eosTokenId: 32000,
  },
}
