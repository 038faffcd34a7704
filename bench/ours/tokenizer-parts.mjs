// What a tokenizer is made of: from a tokenizer.json, a directory with one, or one with GPT-2's vocabulary and merges.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @returns The argument of `createTokenizer`. */
export function tokenizerParts(path) {
  const directory = path.endsWith('.json') ? dirname(path) : path
  const file = path.endsWith('.json') ? path : join(path, 'tokenizer.json')
  const json = existsSync(file) ? readFileSync(file, 'utf8') : gpt2(directory)
  const configFile = join(directory, 'tokenizer_config.json')
  const config = existsSync(configFile)
    ? JSON.parse(readFileSync(configFile, 'utf8'))
    : { pad_token: existsSync(file) ? '<pad>' : '<|endoftext|>' }
  return { tokenizer: JSON.parse(json), config, files: new Map([['tokenizer.json', Buffer.from(json)]]) }
}

function gpt2(directory) {
  const read = (ending) => {
    const name = readdirSync(directory).find((file) => file === ending || file.endsWith(`gpt2-${ending}`))
    return readFileSync(join(directory, name), 'utf8')
  }
  const merges = read('merges.txt')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#version'))
  const vocab = JSON.parse(read('vocab.json'))
  const content = '<|endoftext|>'
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  return JSON.stringify({
    version: '1.0',
    added_tokens: [{ id: vocab[content], content, ...flags }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: { type: 'BPE', unk_token: null, vocab, merges },
  })
}
