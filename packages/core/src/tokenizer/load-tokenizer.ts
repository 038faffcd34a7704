import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import { convertedTokenizer, lookupTokenizer, sentencePieceFileNames } from './sentence-piece/from-files'
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
  ...sentencePieceFileNames,
  'source.spm',
  'target.spm',
] as const

/**
 * Loads the tokenizer of a Hugging Face directory: from tokenizer.json, or from what older checkpoints have instead:
 * vocab.txt (BERT), a SentencePiece model (T5, ALBERT, DeBERTa-v3, XLM-RoBERTa, Llama and others), or two of them
 * with a table of ids (Marian). A tokenizer.json is made then, and is saved with the model. Nothing is downloaded.
 *
 * @param options `maxLength`: the model's own limit in tokens. `side`: the language whose texts are encoded, where a
 * checkpoint (Marian's) has a model for each; texts to learn are of the target's: {@link Tokenizer.target}. Default `source`.
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
  options: { maxLength?: number; side?: 'source' | 'target' } = {},
): Promise<Tokenizer> {
  const { maxLength, side = 'source' } = options
  const files = new Map<string, Uint8Array>()
  for (const name of tokenizerFileNames) {
    const bytes = await readIfThere(join(directory, name))
    if (bytes) files.set(name, bytes)
  }
  const parse = (name: string) => parseFile(files.get(name), join(directory, name))
  // Older checkpoints name their special tokens in a file of their own.
  const config = { ...parse('special_tokens_map.json'), ...parse('tokenizer_config.json') }
  const modelConfig = parseFile(
    await readIfThere(join(directory, 'config.json')),
    join(directory, 'config.json'),
  )
  const sources = { files, config, modelType: modelConfig?.model_type, side, parse }
  const lookup = lookupTokenizer(sources)
  const given = parse('tokenizer.json')
  const made = lookup ?? (given ? undefined : convertedTokenizer(sources))
  const tokenizer = given ?? made?.tokenizer ?? wordPiece(files, config)
  if (tokenizer === undefined) throw await missingTokenizer(directory)
  // Saved with the model, so that Transformers.js, which needs it, finds it.
  if (!given) files.set('tokenizer.json', json(tokenizer))
  if (made && !files.has('tokenizer_config.json')) files.set('tokenizer_config.json', json(made.config))
  const template = files.get('chat_template.jinja')
  if (template && config.chat_template === undefined) {
    const given = { ...parse('tokenizer_config.json'), chat_template: new TextDecoder().decode(template) }
    files.set('tokenizer_config.json', json(given))
  }
  return createTokenizer({
    ...(maxLength === undefined ? {} : { maxLength }),
    tokenizer,
    config: made?.config ?? config,
    files,
    tokenize: lookup?.tokenize,
    denormalize: lookup?.denormalize,
    target:
      side === 'source' && files.has('target.spm')
        ? await loadTokenizer(directory, { ...options, side: 'target' })
        : undefined,
  })
}

const json = (value: object) => new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`)

function wordPiece(
  files: ReadonlyMap<string, Uint8Array>,
  config: Record<string, unknown>,
): Record<string, unknown> | undefined {
  const vocabulary = files.get('vocab.txt')
  return vocabulary && wordPieceTokenizer({ vocabulary: new TextDecoder().decode(vocabulary), config })
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseFile(bytes: Uint8Array | undefined, path: string): Record<string, unknown> | undefined {
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
  } catch (cause) {
    throw new CheckpointError({
      function: 'loadTokenizer',
      argument: path,
      expected: 'a JSON file',
      received: String(cause),
      remedy: 'The file is damaged: download or save the tokenizer again.',
      cause,
    })
  }
}

/** Files of tokenizers that cannot be read without others → what to do. */
const incomplete: Readonly<Record<string, string>> = {
  'source.spm': 'Marian needs vocab.json beside source.spm and target.spm: download the missing file.',
  'merges.txt':
    "Convert it once, in Python by AutoTokenizer.from_pretrained('directory').save_pretrained('directory').",
}

async function missingTokenizer(directory: string): Promise<CheckpointError> {
  const present = await readdir(directory).catch((): string[] => [])
  const other = Object.keys(incomplete).find((name) => present.includes(name))
  return new CheckpointError({
    function: 'loadTokenizer',
    argument: directory,
    expected: `a directory with tokenizer.json, vocab.txt, source.spm with vocab.json, or ${sentencePieceFileNames.join(', ')}`,
    received: other === undefined ? 'none of them' : `only ${other}`,
    remedy:
      incomplete[other ?? ''] ??
      "Save the tokenizer beside the model, in Python by AutoTokenizer.from_pretrained(base).save_pretrained('directory').",
  })
}
