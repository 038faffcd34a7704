import { randomNumbers } from '../../base-encoder/recipe/compose.mjs'

/**
 * Documents made of several pieces of text, each with the first of them as its summary. A model learns from them to find where a
 * text begins and to copy, the start that most summaries have (lead bias: Zhu et al. 2019, arXiv:1912.11602).
 * @param {string[]} texts
 * @param {number} seed
 * @returns {{ text: string, summary: string }[]}
 */
export function openings(texts, seed) {
  const random = randomNumbers(seed)
  const pieces = texts.filter(({ length }) => length >= 20 && length <= 200).map(sentence)
  const documents = []
  for (let start = 0; start < pieces.length;) {
    const count = 2 + Math.floor(random() * 4)
    const chosen = pieces.slice(start, start + count)
    documents.push({ text: chosen.join(' '), summary: chosen[0] })
    start += count
  }
  return documents
}

/** A piece that begins and ends as a sentence does, so that it is seen where the next one begins. */
const sentence = (text) => {
  const ended = /[.!?]$/.test(text) ? text : `${text}.`
  return ended[0].toUpperCase() + ended.slice(1)
}
