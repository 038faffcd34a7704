import { softmaxCrossEntropy } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { withLabels } from '@tfx/core'
import { padRows, readRows, split } from '@tfx/data'
import {
  type TaskHead,
  type TokensOfTexts,
  type TransferModel,
  type TransferOptions,
  transferTo,
} from '@tfx/transfer'

/** A text of words with a tag for each: `O`, or what is named. */
interface TaggedExample {
  text: string
  tags: string[]
}

/** What is named in a text. */
interface Entity {
  word: string
  tag: string
}

/** Where each word of a text begins among its tokens; words that were cut off are left out. */
function firstTokens(text: string, { tokenizer, encodings }: TokensOfTexts, row: number): number[] {
  const end = encodings[row]!.inputIds.length - 1
  let place = 1
  const places = text.split(' ').map((word) => {
    const own = place
    place += tokenizer.encode(word, undefined, { addSpecialTokens: false }).inputIds.length
    return own
  })
  return places.filter((own) => own < end)
}

/** Named entities: every word has a tag, which its first token foretells. */
export const entityHead: TaskHead<TaggedExample, Entity[], object> = {
  name: 'entities',
  task: 'token-classification',
  options: [],
  best: { metric: 'f1', mode: 'max' },

  // Words and tags are separated by spaces, as many of one as of the other.
  async read(dataset, { signal }) {
    const examples: TaggedExample[] = []
    for await (const { words, tags } of readRows(dataset, signal ? { signal } : {}))
      examples.push({ text: String(words), tags: String(tags).split(' ') })
    return { examples, notes: [] }
  },

  split: (examples, options) => split(examples, options),

  configure: (config, examples) =>
    withLabels(config, [...new Set(examples.flatMap(({ tags }) => tags))].sort()),

  // A label for each token: -100, which the loss leaves out, but for the first of each word.
  targetInputs: () => ({ labels: { shape: ['batch', 'sequence'], dtype: 'int32' } }),
  targets(examples, { labels }, tokens) {
    if (!tokens) return {}
    const rows = examples.map(({ text, tags }, row) => {
      const ids = Array<number>(tokens.encodings[row]!.inputIds.length).fill(-100)
      firstTokens(text, tokens, row).forEach((place, word) => (ids[place] = labels.indexOf(tags[word]!)))
      return ids
    })
    return { labels: padRows(rows, { fill: -100 }) }
  },
  batchWeight: (examples) => examples.reduce((sum, { tags }) => sum + tags.length, 0),

  forward(parameters, inputs, { family, ...run }) {
    const hidden = family.backbone(parameters, inputs, run)
    return { logits: family.tokenClassificationHead(parameters, hidden, run) }
  },
  loss({ logits }, { labels }, { config }) {
    const scores = tf.reshape(logits as tf.Tensor, [-1, config.labels.length])
    return softmaxCrossEntropy(scores, tf.reshape(labels as tf.Tensor, [-1]))
  },

  // F1 of the words that are named, or said to be.
  score({ labels }) {
    let [right, told, named] = [0, 0, 0]
    return {
      add(examples, { logits }, tokens) {
        const width = logits!.data.length / examples.length
        examples.forEach(({ text, tags }, row) => {
          const own = (logits!.data as Float32Array).subarray(row * width, (row + 1) * width)
          firstTokens(text, tokens, row).forEach((place, word) => {
            const tag = tagAt(own, place, labels)
            told += Number(tag !== 'O')
            named += Number(tags[word] !== 'O')
            right += Number(tag !== 'O' && tag === tags[word])
          })
        })
      },
      result: () => ({ f1: (2 * right) / (told + named) }),
    }
  },

  answer({ logits }, { labels }, { input: { text }, tokenizer, encoding }) {
    const words = text.split(' ')
    return firstTokens(text, { tokenizer, encodings: [encoding] }, 0)
      .map((place, word) => ({ word: words[word]!, tag: tagAt(logits!, place, labels) }))
      .filter(({ tag }) => tag !== 'O')
  },
}

/** The likeliest tag of a token. */
function tagAt(logits: Float32Array, place: number, labels: readonly string[]): string {
  const own = logits.subarray(place * labels.length, (place + 1) * labels.length)
  return labels[own.indexOf(Math.max(...own))]!
}

/** What users call. */
export function transferEntities(
  base: string,
  dataset: Iterable<{ words: string; tags: string }> | string,
  options: TransferOptions = {},
): Promise<TransferModel<Entity[], object>> {
  return transferTo(entityHead, { base, dataset }, options)
}
