import { ArgumentError, DataError } from '@tfx/common'

/** What a text should have been: one text, or several of which any will do. */
export type References = string | readonly string[]

/** A metric of written text, to which an evaluation adds batch after batch: it keeps sums only. */
export interface TextMetric<Score> {
  /** The number of hypotheses added so far. */
  readonly total: number
  /**
   * Adds hypotheses.
   *
   * @param references What each text should have been: see {@link References}.
   * @param hypotheses The texts that a model wrote, in the same order.
   * @throws ArgumentError on different lengths, or on a missing reference or hypothesis; nothing is added then.
   */
  add(references: readonly References[], hypotheses: readonly string[]): void
  /**
   * The score of everything added so far.
   *
   * @throws DataError if nothing has been added yet.
   */
  score(): Score
}

/** What a metric is made of: sums over hypotheses, and a function of these sums. */
export interface TextMetricDefinition<Score> {
  /** The public function to name in errors. */
  name: string
  /** What one hypothesis adds to the sums; always as many numbers. */
  statistics(references: readonly string[], hypothesis: string): number[]
  /** The score of the sums. */
  score(sums: readonly number[], corpus: CorpusSize): Score
}

/** What was added, beside the sums. */
export interface CorpusSize {
  /** The number of hypotheses. */
  total: number
  /** How many references each hypothesis had, as sacreBLEU's signatures say it: `var` if not always as many. */
  numReferences: string
}

/** An empty metric to add to. */
export function createTextMetric<Score>(definition: TextMetricDefinition<Score>): TextMetric<Score> {
  const { name } = definition
  const numReferences = new Set<number>()
  let sums: number[] = []
  let total = 0
  return {
    get total() {
      return total
    },
    add(references, hypotheses) {
      const lists = checkTexts(references, hypotheses, name)
      hypotheses.forEach((hypothesis, index) => {
        const alternatives = lists[index] ?? []
        numReferences.add(alternatives.length)
        const statistics = definition.statistics(alternatives, hypothesis)
        sums = statistics.map((value, place) => value + (sums[place] ?? 0))
      })
      total += hypotheses.length
    },
    score() {
      if (total === 0) {
        throw new DataError({
          function: name,
          argument: 'hypotheses',
          expected: 'at least one text',
          received: 'none',
          remedy: 'Add references and hypotheses before you ask for a score.',
        })
      }
      const [first] = numReferences
      return definition.score(sums, {
        total,
        numReferences: numReferences.size === 1 ? String(first) : 'var',
      })
    },
  }
}

/** The score of texts that are all there already. */
export function scoreTexts<Score>(
  metric: TextMetric<Score>,
  references: readonly References[],
  hypotheses: readonly string[],
): Score {
  metric.add(references, hypotheses)
  return metric.score()
}

/** Throws unless there is a text and at least one reference for each; gives the references as lists. */
function checkTexts(references: unknown, hypotheses: unknown, caller: string): (readonly string[])[] {
  checkList(hypotheses, 'hypotheses', caller)
  checkList(references, 'references', caller)
  if (references.length !== hypotheses.length) {
    throw new ArgumentError({
      function: caller,
      argument: 'references',
      expected: `as many as the ${hypotheses.length} hypotheses`,
      received: `${references.length}`,
      remedy: 'Pass one reference for each hypothesis, in the same order, or a list of several for each.',
    })
  }
  hypotheses.forEach((text, index) => checkText(text, `hypotheses[${index}]`, caller))
  return references.map((each: unknown, index) => {
    const alternatives: readonly unknown[] = Array.isArray(each) ? each : [each]
    if (alternatives.length === 0) {
      throw new ArgumentError({
        function: caller,
        argument: `references[${index}]`,
        expected: 'at least one text',
        received: 'an empty list',
        remedy: 'Leave out hypotheses that have no reference.',
      })
    }
    alternatives.forEach((text, place) =>
      checkText(text, `references[${index}]${Array.isArray(each) ? `[${place}]` : ''}`, caller),
    )
    return alternatives as readonly string[]
  })
}

function checkList(value: unknown, argument: string, caller: string): asserts value is readonly unknown[] {
  if (Array.isArray(value)) return
  throw new ArgumentError({
    function: caller,
    argument,
    expected: 'a list of texts',
    received: value === undefined || value === null ? 'nothing' : `a ${typeof value}`,
    remedy: 'Pass one entry for each text, also if there is only one.',
  })
}

function checkText(value: unknown, argument: string, caller: string): void {
  if (typeof value === 'string') return
  throw new ArgumentError({
    function: caller,
    argument,
    expected: 'a text',
    received: value === undefined || value === null ? 'nothing' : `a ${typeof value}`,
    remedy: 'Pass an empty text where a model wrote nothing, and leave out examples without a reference.',
  })
}
