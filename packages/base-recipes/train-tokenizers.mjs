/**
 * Learns the merges that both bases share, and writes the tokenizers of `@tfx/base-seq2seq` and `@tfx/base-decoder`:
 * `node train-tokenizers.mjs`
 */
import { writeFileSync } from 'node:fs'
import { describeTokenizer, trainMerges } from './byte-level-bpe.mjs'
import { loadCorpus } from './corpus/corpus.mjs'

const VOCABULARY_SIZE = 8192
const BYTES = 256
/** There is much more English: German texts count so many times, so that its words get tokens of their own. */
const GERMAN_WEIGHT = 4

/** T5's special tokens: sentinels last, the first of them with the highest id. */
const SEQ2SEQ = {
  first: ['<pad>', '</s>', '<unk>'],
  last: Array.from({ length: 100 }, (_, index) => `<extra_id_${99 - index}>`),
  end: '</s>',
}
const DECODER = { first: ['<|pad|>', '<|endoftext|>', '<|im_start|>', '<|im_end|>'] }

const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

const { english, german, translations } = await loadCorpus()
const germanTexts = [...german.train, ...translations.train.map((pair) => pair.german)]
const texts = [...english.train, ...translations.train.map((pair) => pair.english)]
for (let time = 0; time < GERMAN_WEIGHT; time++) texts.push(...germanTexts)

const roomFor = ({ first, last = [] }) => VOCABULARY_SIZE - BYTES - first.length - last.length
const merges = trainMerges(texts, roomFor(DECODER))

function write(base, special, config) {
  const tokenizer = describeTokenizer({ merges: merges.slice(0, roomFor(special)), ...special })
  for (const [file, content] of Object.entries({
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': config,
  })) {
    const path = new URL(`../${base}/${file}`, import.meta.url)
    writeFileSync(path, `${JSON.stringify(content, undefined, file === 'tokenizer.json' ? 1 : 2)}\n`)
  }
  process.stdout.write(`${base}: ${Object.keys(tokenizer.model.vocab).length} tokens\n`)
}

const common = { tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false }
write('base-seq2seq', SEQ2SEQ, {
  ...common,
  model_max_length: 512,
  pad_token: '<pad>',
  eos_token: '</s>',
  unk_token: '<unk>',
  extra_ids: 100,
  additional_special_tokens: [...SEQ2SEQ.last].reverse(),
})
write('base-decoder', DECODER, {
  ...common,
  model_max_length: 512,
  pad_token: '<|pad|>',
  bos_token: '<|endoftext|>',
  eos_token: '<|im_end|>',
  additional_special_tokens: ['<|im_start|>', '<|im_end|>'],
  chat_template: CHAT_TEMPLATE,
})
