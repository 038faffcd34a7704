import { CheckpointError } from '@tfx/common'

/** Text in, normalized text out. */
export type Normalize = (text: string) => string

/** Longer replacements are a sign of damage; the longest of NFKC is 33 bytes. */
const longestReplacement = 1000

/**
 * The normalization of a SentencePiece model, as its trainer compiled it: at each place the longest sequence of
 * characters that the map has is replaced.
 *
 * The map is the length of a trie in bytes, the trie (a double array, as Darts-clone writes it, over the bytes of
 * UTF-8), and the replacements, each with a zero at its end; the trie's values are places there. It may come from
 * a damaged file: nothing outside it is read, and no replacement is longer than 1000 bytes.
 *
 * `@huggingface/tokenizers` puts NFKC in its place, which is not the same for every character, nor for a map of
 * another kind. Python's `tokenizers` takes the shortest sequence instead of the longest within a letter and its
 * marks; the models were trained with the longest.
 *
 * @param map May be empty: nothing is replaced then.
 * @throws CheckpointError if the map is damaged.
 */
export function charactersMap(map: Uint8Array): Normalize {
  if (map.length === 0) return (text) => text
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength)
  const trieBytes = map.length < 4 ? NaN : view.getUint32(0, true)
  if (!(trieBytes >= 4 && trieBytes % 4 === 0 && 4 + trieBytes <= map.length)) throw damaged()
  const trie = new Uint32Array(trieBytes / 4)
  for (let index = 0; index < trie.length; index++) trie[index] = view.getUint32(4 + 4 * index, true)
  const replacements = map.subarray(4 + trieBytes)
  checkReplacements(replacements)
  const encoder = new TextEncoder()
  return (text) => {
    const bytes = encoder.encode(text)
    const parts: Uint8Array[] = []
    let copied = 0
    for (let at = 0; at < bytes.length;) {
      const [length, value] = longestMatch(trie, bytes, at)
      if (length > 0) {
        parts.push(bytes.subarray(copied, at), replacements.subarray(value, replacements.indexOf(0, value)))
        copied = at + length
      }
      at += length || characterLength(bytes[at]!)
    }
    if (copied === 0) return text
    return Buffer.concat([...parts, bytes.subarray(copied)]).toString('utf8')
  }
}

/** @returns How many bytes from `start` on are replaced, 0 for none, and where their replacement is. */
function longestMatch(trie: Uint32Array, bytes: Uint8Array, start: number): [length: number, value: number] {
  let [length, value] = [0, 0]
  let node = childOffset(trie[0]!)
  for (let at = start; at < bytes.length; at++) {
    node ^= bytes[at]!
    const unit = trie[node]
    // The lowest byte is the node's label; the highest bit marks values, which are no child of anyone.
    if (unit === undefined || (unit & 0x800000ff) !== bytes[at]) break
    node ^= childOffset(unit)
    const leaf = trie[node]
    if ((unit & 0x100) !== 0 && leaf !== undefined) {
      length = at + 1 - start
      value = leaf & 0x7fffffff
    }
  }
  return [length, value]
}

/** What a node's place and a byte give its child's place with, by exclusive or. */
const childOffset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6)

/** Of the character of UTF-8 that starts with a byte. */
const characterLength = (first: number) => (first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4)

function checkReplacements(replacements: Uint8Array): void {
  for (let start = 0; start < replacements.length;) {
    const end = replacements.indexOf(0, start)
    if (end < 0 || end - start > longestReplacement) throw damaged()
    start = end + 1
  }
}

function damaged(): CheckpointError {
  return new CheckpointError({
    function: 'createTokenizer',
    argument: 'precompiled_charsmap',
    expected: 'a trie and its replacements, as SentencePiece writes them',
    received: 'something else',
    remedy: 'The file is damaged: download or save the tokenizer again.',
  })
}
