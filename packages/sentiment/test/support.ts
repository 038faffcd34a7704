import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom, TfxError } from '@tfx/common'
import { fixturePath } from '@tfx/testing'
import { afterAll, beforeAll, expect } from 'vitest'
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
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tfx-test-'))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))
  const path = (name: string) => join(root, name)
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

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a rejection')
}

/** The error of a call that must fail in a way that tfx means it to. */
export async function refusal(promise: Promise<unknown>): Promise<{ name: string; message: string }> {
  const error = await failureOf(promise)
  expect(error).toBeInstanceOf(TfxError)
  expect((error as TfxError).remedy).toMatch(/\.$|\?$/)
  return { name: error.name, message: error.message }
}
