/**
 * Trains the WordPiece vocabulary and writes `tokenizer.json`, `tokenizer_config.json` and `vocab.txt`:
 * `node recipe/train-tokenizer.mjs [DIRECTORY]` (default: this package).
 *
 * Like the trainer of Hugging Face `tokenizers`, it grows the vocabulary from single characters by joining the most
 * frequent neighbours (byte-pair merges on words whose later characters carry `##`).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { loadCorpus } from './corpus.mjs'
import { mergePairs } from './merge-pairs.mjs'

const VOCABULARY_SIZE = 8192
const MINIMUM_CHARACTER_COUNT = 50
const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']

/** The words of the corpus as the BERT normalizer and pre-tokenizer give them (lower case, no accents), with counts. */
export function countWords(texts) {
  const counts = new Map()
  for (const text of texts) {
    const plain = text
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
      .toLowerCase()
    for (const [word] of plain.matchAll(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu))
      counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return counts
}

const joinPieces = (left, right) => left + right.slice(2)

/**
 * @param {Map<string, number>} wordCounts
 * @param {number} size how many tokens, the special ones included
 * @returns {string[]} the vocabulary in the order of its ids
 */
export function trainWordPiece(wordCounts, size) {
  const characterCounts = new Map()
  for (const [word, count] of wordCounts) {
    for (const character of word)
      characterCounts.set(character, (characterCounts.get(character) ?? 0) + count)
  }
  const isKept = (character) => characterCounts.get(character) >= MINIMUM_CHARACTER_COUNT
  const words = [...wordCounts]
    .filter(([word]) => [...word].every(isKept))
    .map(([word, count]) => ({
      count,
      pieces: [...word].map((character, at) => (at === 0 ? character : `##${character}`)),
    }))
  const characters = [...characterCounts.keys()].filter(isKept).sort()
  const letters = characters.filter((character) => /[\p{L}\p{N}]/u.test(character))
  const vocabulary = new Set([...SPECIAL_TOKENS, ...characters, ...letters.map((letter) => `##${letter}`)])

  if (vocabulary.size >= size) return [...vocabulary]
  const grow = ({ left, right }) => vocabulary.add(joinPieces(left, right)).size < size
  mergePairs(words, grow, joinPieces)
  return [...vocabulary]
}

/** The tokenizer in the format of Hugging Face `tokenizers`, configured like that of uncased BERT. */
export function describeTokenizer(vocabulary) {
  const ids = Object.fromEntries(vocabulary.map((token, id) => [token, id]))
  const special = (token) => ({ SpecialToken: { id: token, type_id: 0 } })
  const sequence = (id, type) => ({ Sequence: { id, type_id: type } })
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content) => ({
      id: ids[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]'), sequence('A', 0), special('[SEP]')],
      pair: [
        special('[CLS]'),
        sequence('A', 0),
        special('[SEP]'),
        sequence('B', 1),
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((token) => [token, { id: token, ids: [ids[token]], tokens: [token] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: ids,
    },
  }
}

const TOKENIZER_CONFIG = {
  tokenizer_class: 'BertTokenizer',
  do_lower_case: true,
  tokenize_chinese_chars: true,
  strip_accents: null,
  model_max_length: 128,
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  mask_token: '[MASK]',
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const directory = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..')
  const vocabulary = trainWordPiece(countWords(loadCorpus().train), VOCABULARY_SIZE)
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    join(directory, 'tokenizer.json'),
    JSON.stringify(describeTokenizer(vocabulary), null, 1) + '\n',
  )
  writeFileSync(join(directory, 'tokenizer_config.json'), JSON.stringify(TOKENIZER_CONFIG, null, 2) + '\n')
  writeFileSync(join(directory, 'vocab.txt'), vocabulary.join('\n') + '\n')
  process.stdout.write(`${vocabulary.length} tokens\n`)
}
