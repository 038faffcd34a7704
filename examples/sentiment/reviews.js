import { createRequire } from 'node:module'
import { stratifiedSplit } from '@tfx/data'

const require = createRequire(import.meta.url)

/**
 * 3,000 sentences of Amazon, IMDB and Yelp reviews, half of them positive (Kotzias et al. 2015), as the npm
 * package `sentiment` carries them in its test fixtures, in a fixed split.
 */
export function readReviews() {
  const rows = ['amazon', 'imdb', 'yelp'].flatMap((site) => require(`sentiment/test/fixtures/${site}.json`))
  const examples = rows.flatMap(({ text, class: positive }) => {
    // Each file ends with an empty row.
    return positive === null ? [] : [{ text: text.trim(), label: positive === 1 ? 'positive' : 'negative' }]
  })
  return stratifiedSplit(unique(examples), { fraction: 0.25, seed: 7, by: ({ label }) => label })
}

/** A sentence that occurs twice must not be in both parts. */
function unique(examples) {
  return [...new Map(examples.map((example) => [example.text.toLowerCase(), example])).values()]
}
