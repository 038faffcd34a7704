import { ArgumentError } from '@tfx/common'

/** @throws ArgumentError unless every number is a share or a probability. */
export function checkShares(caller: string, shares: Readonly<Record<string, number>>): void {
  for (const [argument, share] of Object.entries(shares)) {
    if (share >= 0 && share <= 1) continue
    throw new ArgumentError({
      function: caller,
      argument,
      expected: 'a number from 0 to 1',
      received: String(share),
      remedy: 'Usual values are 0.05 to 0.2; leave it out for the default.',
    })
  }
}

/** @throws ArgumentError unless there are as many results as texts. */
export function checkCount(
  caller: string,
  argument: string,
  counts: { texts: number; results: number },
): void {
  if (counts.texts === counts.results) return
  throw new ArgumentError({
    function: caller,
    argument,
    expected: `a function that returns one text for each of ${counts.texts}`,
    received: `${counts.results} texts`,
    remedy: 'Return an array with the text of each place, unchanged if there is nothing to change.',
  })
}

/** @throws ArgumentError unless every result is a text. */
export function checkTexts(caller: string, results: readonly unknown[]): void {
  const place = results.findIndex((result) => typeof result !== 'string')
  if (place < 0) return
  const wrong = results[place]
  throw new ArgumentError({
    function: caller,
    argument: 'apply',
    expected: 'a function that returns a string for each text',
    received: wrong instanceof Promise ? 'one that returns a promise' : `one that returned ${String(wrong)}`,
    remedy: 'Return the text itself; an augmentation that waits for something has applyAll instead.',
  })
}

/** @throws ArgumentError unless spans can have this length on average. */
export function checkMeanLength(caller: string, meanLength: number): void {
  if (meanLength >= 1 && meanLength < Infinity) return
  throw new ArgumentError({
    function: caller,
    argument: 'meanLength',
    expected: 'a number of at least 1',
    received: String(meanLength),
    remedy: 'Leave it out for the usual 3.',
  })
}
