import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import { createTokenizer, type Tokenizer } from './tokenizer'
import { wordPieceTokenizer } from './word-piece'

/** The files of a tokenizer, in any Hugging Face directory. */
export const tokenizerFileNames = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
] as const

/**
 * Loads the tokenizer of a Hugging Face directory: from tokenizer.json, or from vocab.txt where an older BERT
 * checkpoint has only that. Nothing is downloaded.
 *
 * @param options `maxLength`: the model's own limit in tokens.
 * @throws CheckpointError if there is no tokenizer, or its files cannot be parsed.
 *
 * @example
 * ```ts
 * const tokenizer = await loadTokenizer('./my-model')
 * const { inputIds } = tokenizer.encode('a great film', undefined, { maxLength: 128 })
 * ```
 */
export async function loadTokenizer(
  directory: string,
  options: { maxLength?: number } = {},
): Promise<Tokenizer> {
  const files = new Map<string, Uint8Array>()
  for (const name of tokenizerFileNames) {
    const bytes = await readIfThere(join(directory, name))
    if (bytes) files.set(name, bytes)
  }
  // Older checkpoints name their special tokens in a file of their own.
  const config = {
    ...parseFile(files, 'special_tokens_map.json', directory),
    ...parseFile(files, 'tokenizer_config.json', directory),
  }
  const tokenizer = parseFile(files, 'tokenizer.json', directory)
  if (tokenizer) return createTokenizer({ ...options, tokenizer, config, files })
  const vocabulary = files.get('vocab.txt')
  if (vocabulary === undefined) throw await missingTokenizer(directory)
  const made = wordPieceTokenizer({ vocabulary: new TextDecoder().decode(vocabulary), config })
  // Saved with the model, so that Transformers.js, which needs it, finds it.
  files.set('tokenizer.json', new TextEncoder().encode(`${JSON.stringify(made, undefined, 2)}\n`))
  return createTokenizer({ ...options, tokenizer: made, config, files })
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseFile(
  files: ReadonlyMap<string, Uint8Array>,
  name: string,
  directory: string,
): Record<string, unknown> | undefined {
  const bytes = files.get(name)
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
  } catch (cause) {
    throw new CheckpointError({
      function: 'loadTokenizer',
      argument: join(directory, name),
      expected: 'a JSON file',
      received: String(cause),
      remedy: 'The file is damaged: download or save the tokenizer again.',
      cause,
    })
  }
}

/** Tokenizers in other formats → how to get a tokenizer.json from them. */
const otherFormats: Readonly<Record<string, string>> = {
  'source.spm':
    'Marian has two SentencePiece models, and transformers makes no tokenizer.json of them: take a repository that has one, for instance Xenova/opus-mt-en-de for Helsinki-NLP/opus-mt-en-de.',
  ...Object.fromEntries(
    ['spiece.model', 'sentencepiece.bpe.model', 'tokenizer.model', 'merges.txt'].map((name) => [
      name,
      "Convert it once, in Python by AutoTokenizer.from_pretrained('directory').save_pretrained('directory').",
    ]),
  ),
}

async function missingTokenizer(directory: string): Promise<CheckpointError> {
  const present = await readdir(directory).catch((): string[] => [])
  const other = Object.keys(otherFormats).find((name) => present.includes(name))
  return new CheckpointError({
    function: 'loadTokenizer',
    argument: directory,
    expected: 'a directory with tokenizer.json or vocab.txt',
    received: other === undefined ? 'neither' : `only ${other}`,
    remedy:
      otherFormats[other ?? ''] ??
      "Save the tokenizer beside the model, in Python by AutoTokenizer.from_pretrained(base).save_pretrained('directory').",
  })
}
