import { ArgumentError, DataError } from '@tfx/common'

/** A label as users write it. */
export type Label = string | number

/**
 * The ordered list of label names; a name's place in it is its class index. Without a list of the
 * caller's it is the distinct labels, sorted: by value if all are numbers, else by name with the numbers
 * in it compared as numbers (`'2 stars'` before `'10 stars'`).
 *
 * @param labels The labels of all examples.
 * @param options.labels The list to use, in this order; labels of it may be absent from the examples.
 * @returns At least two names, as strings.
 * @throws DataError if there are fewer than two classes, or if a label is not in the caller's list;
 *   ArgumentError if the caller's list repeats a label or has fewer than two.
 *
 * @example
 * ```ts
 * discoverLabels(['positive', 'negative', 'positive']) // ['negative', 'positive']
 * ```
 */
export function discoverLabels(
  labels: Iterable<Label>,
  { labels: fixed }: { labels?: readonly Label[] } = {},
): string[] {
  const found = new Set<string>()
  for (const label of labels) found.add(String(label))
  if (fixed !== undefined) {
    const names = checkList(fixed)
    encodeLabels(found, names)
    return names
  }
  if (found.size >= 2) return sortLabels([...found])
  throw new DataError({
    function: 'discoverLabels',
    argument: 'labels',
    expected: 'of at least two classes',
    received: found.size === 0 ? 'empty' : `only '${[...found].join()}'`,
    remedy: 'Add examples of another class, or check that the right column is read as the label.',
  })
}

/**
 * The class index of each label: its place in the list.
 *
 * @param names The list that {@link discoverLabels} gave.
 * @throws DataError on a label that is not in the list (one unseen in training), naming it.
 */
export function encodeLabels(labels: Iterable<Label>, names: readonly string[]): number[] {
  const indices = new Map(names.map((name, index) => [name, index]))
  return Array.from(labels, (label) => {
    const index = indices.get(String(label))
    if (index !== undefined) return index
    throw new DataError({
      function: 'encodeLabels',
      argument: 'labels',
      expected: `among ${names.map((name) => `'${name}'`).join(', ')}`,
      received: `'${label}', which is not in that list`,
      remedy:
        'Correct the label; or, if it is a new class, train with examples of it (and with it in { labels }).',
    })
  })
}

function checkList(given: unknown): string[] {
  const isLabel = (each: unknown) => typeof each === 'string' || typeof each === 'number'
  const names = Array.isArray(given) && given.every(isLabel) ? given.map(String) : undefined
  const repeated = names?.find((name, index) => names.indexOf(name) !== index)
  if (names !== undefined && names.length >= 2 && repeated === undefined) return names
  throw new ArgumentError({
    function: 'discoverLabels',
    argument: 'options.labels',
    expected: 'a list of at least two different labels',
    received: repeated === undefined ? (names ? `${names.length}` : describe(given)) : `'${repeated}' twice`,
    remedy: 'List every class once, in the order that the model shall give scores in.',
  })
}

const describe = (given: unknown) => (Array.isArray(given) ? 'a list of others' : `of type ${typeof given}`)

function sortLabels(labels: string[]): string[] {
  if (labels.every((label) => label.trim() !== '' && Number.isFinite(Number(label)))) {
    return labels.sort((left, right) => Number(left) - Number(right) || compareCodeUnits(left, right))
  }
  // One fixed locale: the order of classes must not depend on the machine.
  const { compare } = new Intl.Collator('en', { numeric: true })
  return labels.sort((left, right) => compare(left, right) || compareCodeUnits(left, right))
}

const compareCodeUnits = (left: string, right: string) => (left < right ? -1 : 1)
