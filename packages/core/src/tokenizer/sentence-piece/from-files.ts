import { CheckpointError } from '@tfx/common'
import type { Configuration } from './layout'
import { layoutOf } from './families'
import { type IdTable, type LookupTokenizer, m2m100Tokenizer, marianTokenizer } from './lookup-tokenizer'
import { readSentencePiece } from './model-file'
import { type ConvertedTokenizer, sentencePieceTokenizer } from './tokenizer-json'
import { textModel } from './vocabulary'

/** Where checkpoints have their SentencePiece model. */
export const sentencePieceFileNames = [
  'spiece.model',
  'sentencepiece.bpe.model',
  'spm.model',
  'tokenizer.model',
] as const

/** The files of a tokenizer by name, and what is known of it. */
export interface SentencePieceFiles {
  files: ReadonlyMap<string, Uint8Array>
  /** tokenizer_config.json and special_tokens_map.json in one. */
  config: Configuration
  /** `model_type` of config.json. */
  modelType: unknown
  /** Whose model Marian's texts are cut by. */
  side: 'source' | 'target'
  /** Parses a file of JSON. */
  parse: (name: string) => Record<string, unknown> | undefined
}

/**
 * A tokenizer from a table of ids beside SentencePiece models: Marian's and M2M100's, which Python reads from these
 * files even where there is a tokenizer.json. Undefined if the files are others.
 */
export function lookupTokenizer(options: SentencePieceFiles): LookupTokenizer | undefined {
  const { files, config, side, parse } = options
  const isMarian = files.has('source.spm')
  const name = isMarian ? `${side}.spm` : 'sentencepiece.bpe.model'
  const bytes = files.get(name)
  if (bytes === undefined || !files.has('vocab.json')) return undefined
  if (isMarian && config.separate_vocabs === true) throw separateVocabularies()
  const model = textModel(readSentencePiece(bytes, name))
  const table = (parse('vocab.json') ?? {}) as IdTable
  return (isMarian ? marianTokenizer : m2m100Tokenizer)({ model, table, config })
}

/** What a checkpoint's files would be in the newer form, with a SentencePiece model alone. Undefined if it has none. */
export function convertedTokenizer(options: SentencePieceFiles): ConvertedTokenizer | undefined {
  const { files, config, parse } = options
  const name = sentencePieceFileNames.find((candidate) => files.has(candidate))
  if (name === undefined) return undefined
  const layout = layoutOf({ ...options, file: name })
  const model = readSentencePiece(files.get(name)!, name)
  if (model.spaceAfterWord) throw spacesAfterWords(name)
  return sentencePieceTokenizer({ model, layout, config, added: parse('added_tokens.json') })
}

function separateVocabularies(): CheckpointError {
  return new CheckpointError({
    function: 'loadTokenizer',
    argument: 'separate_vocabs',
    expected: 'false: one vocabulary for both languages',
    received: 'true',
    remedy:
      'Take a checkpoint whose languages share a vocabulary, as those of Helsinki-NLP/opus-mt-* do, or encode texts in Python.',
  })
}

function spacesAfterWords(file: string): CheckpointError {
  return new CheckpointError({
    function: 'loadTokenizer',
    argument: file,
    expected: 'a model that marks the space before a word',
    received: 'one that marks it after the word',
    remedy: 'Save a tokenizer.json in Python, from the program that trained the model.',
  })
}
