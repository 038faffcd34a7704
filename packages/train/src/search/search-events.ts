import { AbortedError } from '@tfx/common'
import type { SearchSpace } from './space'
import type { TrialRecord, TrialReport } from './trial'

/** What `search` returns; also what an abort leaves. */
export interface SearchResult<Space extends SearchSpace = SearchSpace> {
  /** The best of the trials that ran to their end; undefined if none did. */
  readonly best: TrialRecord<Space> | undefined
  /** All of them, in the order of their numbers. */
  readonly trials: readonly TrialRecord<Space>[]
}

/** What happens during a search, in order. */
export type SearchEvent<Space extends SearchSpace = SearchSpace> =
  /** The search goes on where its journal ends. */
  | { readonly type: 'resume'; readonly trials: readonly TrialRecord<Space>[] }
  /** A trial begins, or begins again after a kill. */
  | { readonly type: 'start'; readonly trial: TrialRecord<Space> }
  | ({ readonly type: 'report'; readonly trial: TrialRecord<Space> } & TrialReport)
  /** It is complete, pruned or failed. */
  | { readonly type: 'finish'; readonly trial: TrialRecord<Space> }
  /** The trial just finished is the best so far. */
  | { readonly type: 'best'; readonly trial: TrialRecord<Space> }

/** A search was stopped by its `AbortSignal`. Trials that were running begin again when the same search is made again. */
export class SearchAbortedError extends AbortedError {
  readonly result: SearchResult

  constructor(result: SearchResult, { directory, cause }: { directory: string | undefined; cause: unknown }) {
    super({
      function: 'search',
      argument: 'signal',
      received: `aborted after ${result.trials.filter(({ state }) => state !== 'running').length} trials`,
      remedy:
        directory === undefined
          ? 'What was found is in error.result; with a directory the search could go on from here.'
          : 'Make the same call again to go on from here; what was found is in error.result.',
      cause,
    })
    this.result = result
  }
}
