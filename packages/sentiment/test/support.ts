import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRandom } from '@tfx/common'
import { initializeParameters, loadTokenizer, modelFamily, readConfig, saveCheckpoint } from '@tfx/core'
import { fixturePath, temporaryFolder } from '@tfx/testing'
import type { SentimentOptions, TransferOptions } from '../src/index'

/** A BERT of 2 layers and 16 hidden units with random weights, a head for three labels, and a tokenizer. */
export const base = fixturePath('core/bert-classification')

/** Options under which the tiny base learns a toy task in a second. */
export const quick = {
  epochs: 6,
  learningRate: 5e-3,
  progress: false,
} satisfies SentimentOptions & TransferOptions

const fillers = ['the', 'movie', 'film', 'was', 'is', 'and', 'of', 'this', 'it', 'a']
const telling = ['good', 'bad', 'play', 'hate', 'watch']

/** A row of the toy task. */
export type ToyRow = Record<'text', string> & Record<'label', string | number | boolean>

/** Sentences in which one word decides the label; labels take turns. */
export function toyRows(
  labels: readonly ToyRow['label'][],
  { count = 40 * labels.length, seed = 1 } = {},
): ToyRow[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, index) => {
    const words = Array.from({ length: 2 + random.integer(7) }, () => fillers[random.integer(fillers.length)])
    words.splice(random.integer(words.length), 0, telling[index % labels.length])
    return { text: words.join(' '), label: labels[index % labels.length]! }
  })
}

/** Folders for one test file, removed at its end. */
export function temporaryFolders(): { path: (name: string) => string; copyBase: CopyBase } {
  const path = temporaryFolder()
  return {
    path,
    async copyBase(name, from = 'bert-classification') {
      const target = path(name)
      await mkdir(target, { recursive: true })
      for (const file of ['tokenizer.json', 'tokenizer_config.json'])
        await cp(join(base, file), join(target, file))
      for (const file of ['config.json', 'model.safetensors']) {
        await cp(fixturePath(`core/${from}/${file}`), join(target, file))
      }
      return target
    },
  }
}

/** A copy of a fixture model with a tokenizer beside it. */
type CopyBase = (name: string, from?: string) => Promise<string>

/**
 * Writes a new, tiny model to a directory, and returns that.
 *
 * @param fixture The fixtures that its tokenizer and its config.json are in.
 */
export async function makeBase(
  fixture: { tokenizer: string; config: string },
  directory: string,
): Promise<string> {
  const tokenizer = await loadTokenizer(fixturePath(fixture.tokenizer))
  const source = await readFile(fixturePath(`${fixture.config}/config.json`), 'utf8')
  const config = readConfig(
    {
      ...(JSON.parse(source) as object),
      vocab_size: tokenizer.vocabSize,
      pad_token_id: tokenizer.padTokenId,
      initializer_range: 0.2,
    },
    { kind: 'encoder' },
  )
  const task = 'feature-extraction'
  const weights = new Map<string, Float32Array>()
  await initializeParameters(config, task, { write: (key, values) => void weights.set(key, values) })
  const specs = modelFamily(config.modelType).parameterShapes(config, task)
  await saveCheckpoint(directory, {
    config,
    task,
    tokenizer,
    parameters: {
      shapes: Object.fromEntries(Object.entries(specs).map(([key, { shape }]) => [key, shape])),
      read: (key) => Promise.resolve(weights.get(key)!),
    },
  })
  return directory
}
