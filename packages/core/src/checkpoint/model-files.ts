import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import { createTokenizer, loadTokenizer, type Tokenizer } from '../tokenizer'
import { huggingFaceWeights, openGguf } from '../gguf'
import { ggufConfig } from '../gguf/config-json'
import { ggufTokenizer } from '../gguf/tokenizer-json'
import type { WeightsReader } from '../weights'
import { findWeights } from './weights-file'

/** What is read of a checkpoint, however it lies on the disk. */
export interface ModelFiles {
  /** The parsed config.json, or what stands for it. */
  readonly config: unknown
  /** The parsed generation_config.json, where there is one. */
  readonly generation?: unknown
  openWeights(): Promise<WeightsReader>
  /** @param maxLength The model's own limit in tokens. */
  loadTokenizer(maxLength: number): Promise<Tokenizer>
}

/**
 * Finds the files of a model: a directory in the Hugging Face layout, a GGUF file, or a directory with one GGUF file
 * and no config.json. A tokenizer.json in such a directory goes before the tokenizer in the file.
 *
 * @throws CheckpointError if there is no model, or its files are malformed.
 */
export async function findModelFiles(path: string): Promise<ModelFiles> {
  const isFile = (await stat(path).catch(() => undefined))?.isFile() ?? false
  if (isFile && path.endsWith('.gguf')) return ggufFiles(path)
  const names = isFile ? [] : await readdir(path).catch((): string[] => [])
  if (!names.includes('config.json')) {
    const files = names.filter((name) => name.endsWith('.gguf'))
    if (files.length === 1) {
      return ggufFiles(join(path, files[0]!), names.includes('tokenizer.json') ? path : undefined)
    }
    if (files.length > 1) throw severalFiles(path, files)
  }
  return {
    config: await readJsonFile(path, 'config.json'),
    ...(names.includes('generation_config.json') && {
      generation: await readJsonFile(path, 'generation_config.json'),
    }),
    openWeights: await findWeights(path),
    loadTokenizer: (maxLength) => loadTokenizer(path, { maxLength }),
  }
}

async function ggufFiles(path: string, tokenizerDirectory?: string): Promise<ModelFiles> {
  const file = await openGguf(path)
  try {
    const { metadata, tensors } = file
    return {
      config: await ggufConfig(file),
      openWeights: () => openNamedWeights(path),
      async loadTokenizer(maxLength) {
        if (tokenizerDirectory !== undefined) return loadTokenizer(tokenizerDirectory, { maxLength })
        const { tokenizer, config } = ggufTokenizer({ metadata, tensors, path })
        const files = new Map<string, Uint8Array>()
        for (const [name, json] of Object.entries({ tokenizer, tokenizer_config: config })) {
          files.set(`${name}.json`, new TextEncoder().encode(`${JSON.stringify(json, undefined, 2)}\n`))
        }
        return createTokenizer({ tokenizer, config, maxLength, files })
      },
    }
  } finally {
    await file.close()
  }
}

async function openNamedWeights(path: string): Promise<WeightsReader> {
  const file = await openGguf(path)
  try {
    return huggingFaceWeights(file)
  } catch (error) {
    await file.close()
    throw error
  }
}

function severalFiles(directory: string, names: readonly string[]): CheckpointError {
  return new CheckpointError({
    function: 'loadCheckpoint',
    argument: directory,
    expected: 'a directory with config.json, or with one GGUF file',
    received: `${names.length} GGUF files`,
    remedy: `Choose one of them: ${names.slice(0, 5).join(', ')}.`,
  })
}

async function readJsonFile(directory: string, name: string): Promise<unknown> {
  const file = join(directory, name)
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new CheckpointError({
      function: 'loadCheckpoint',
      argument: file,
      expected: 'a JSON file',
      received: isMissing ? 'missing' : String(cause),
      remedy:
        'Choose a directory in the Hugging Face layout (config.json, tokenizer.json, model.safetensors), or a GGUF file.',
      cause,
    })
  }
}
