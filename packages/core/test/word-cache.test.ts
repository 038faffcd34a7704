import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { fixturePath } from '@tfx/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenizer, loadTokenizer } from '../src/index'

/** What tokenizers trip over, to be put together at random. */
const pieces = [
  ...['the', 'ing', 'un', 'good', 'A', ' ', '  ', '\n', '\t', '.', '...', '!!!!', "'s", '``', '##', '_'],
  ...[
    '▁',
    '▁▁',
    'Ġ',
    'é',
    'e\u0301',
    'ß',
    'İ',
    'Σς',
    '漢字',
    '한글',
    'عرب',
    '😀',
    '👩‍👧',
    '\ud800',
    '\0',
    '\ufffd',
    '\u200b',
  ],
  ...[
    '[SEP]',
    '<s>',
    '</s>',
    '<pad>',
    '<unk>',
    '[UNK]',
    'constructor',
    '__proto__',
    'x'.repeat(65),
    'ha'.repeat(60),
  ],
]
const nastyText = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((chosen) => chosen.join(''))

async function partsOf(name: string) {
  const read = async (file: string) =>
    JSON.parse(await readFile(join(fixturePath(name), file), 'utf8')) as Record<string, unknown>
  return { tokenizer: await read('tokenizer.json'), config: await read('tokenizer_config.json') }
}

/** A byte-pair tokenizer as Llama's: a whole text is one word, in which `▁` stands for a space. */
async function spacedPairs() {
  const { tokenizer, config } = await partsOf('core/encoders/tokenizers/roberta')
  const model = tokenizer.model as { vocab: Record<string, number>; merges: [string, string][] }
  const renamed = (token: string) => token.replaceAll('Ġ', '▁')
  const vocab = Object.fromEntries(Object.entries(model.vocab).map(([token, id]) => [renamed(token), id]))
  const merges = model.merges.map((pair) => pair.map(renamed))
  const normalizer = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
  const made = { ...model, vocab, merges, unk_token: '<unk>', fuse_unk: true }
  return { tokenizer: { ...tokenizer, normalizer, pre_tokenizer: null, model: made }, config }
}

describe.each([
  ['WordPiece', () => partsOf('core/bert-classification')],
  ['byte-level BPE', () => partsOf('core/encoders/tokenizers/roberta')],
  ['BPE of whole texts', spacedPairs],
  ['Unigram of XLM-RoBERTa', () => partsOf('core/encoders/tokenizers/xlm-roberta')],
  ['Unigram of ALBERT', () => partsOf('core/encoders/tokenizers/albert')],
])('%s with its words remembered', (_, load) => {
  it('gives the ids of the library without, at first and again', async () => {
    const { tokenizer, config } = await load()
    const library = new HuggingFaceTokenizer(tokenizer, config)
    const ours = createTokenizer({ tokenizer, config })
    fc.assert(
      fc.property(nastyText, (text) => {
        const { ids } = library.encode(text)
        for (let time = 0; time < 2; time++) {
          expect(ours.encode(text, undefined, { maxLength: Infinity }).inputIds).toEqual(ids)
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

it('encodes a long text without white space in Unigram, on which the library overflows its stack', async () => {
  const tokenizer = await loadTokenizer(fixturePath('core/encoders/tokenizers/xlm-roberta'))
  // Unknown characters are fused: many give the ids of two.
  const [many, two] = ['漢'.repeat(150_000), '漢漢']
  expect(tokenizer.encode(many, undefined, { maxLength: Infinity })).toEqual(tokenizer.encode(two))
})
