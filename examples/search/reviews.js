import { createRequire } from 'node:module'
import { stratifiedSplit } from '@tfx/data'

const require = createRequire(import.meta.url)

/**
 * 600 sentences of Amazon, IMDB and Yelp reviews to learn from and 200 to choose by (Kotzias et al. 2015), as the npm
 * package `sentiment` carries them in its test fixtures, in a fixed split; the other 2,200 are left for a last judgement.
 */
export function readReviews() {
  const rows = ['amazon', 'imdb', 'yelp'].flatMap((site) => require(`sentiment/test/fixtures/${site}.json`))
  const labelled = rows.flatMap(({ text, class: positive }) =>
    // Each file ends with an empty row.
    positive === null ? [] : [[text.trim(), positive === 1 ? 'positive' : 'negative']],
  )
  // A sentence that occurs twice must not be in two parts.
  const unique = new Map(labelled.map(([text, label]) => [text.toLowerCase(), { text, label }]))
  const split = (examples, fraction) =>
    stratifiedSplit(examples, { fraction, seed: 7, by: ({ label }) => label })
  const { train: rest, test: train } = split([...unique.values()], 0.2)
  const { train: test, test: validation } = split(rest, 0.08)
  return { train, validation, test }
}
