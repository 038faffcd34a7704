import { ArgumentError } from '@tfx/common'
import { checkCount } from '../check-numbers'
import type { Objective } from './objective'
import type { Pruner } from './pruner'
import type { Sampler } from './sampler'
import type { SearchEvent } from './search-events'
import type { SearchSpace } from './space'
import { tpeSampler } from './tpe-sampler'
import type { SearchDirection } from './trial'

/** Options of `search`. */
export interface SearchOptions<Space extends SearchSpace = SearchSpace> {
  /** A dimension for each parameter of the objective. */
  readonly space: Space
  /**
   * A function, which runs in this process; or the URL of a module that exports one named `objective`, and then each trial
   * has a process of its own. A process that crashes is a failed trial.
   */
  readonly objective: Objective<Space> | URL
  /** After how many trials to end, those of a search that is resumed among them. A grid needs none. */
  readonly trials?: number
  /** Chooses what to try. Default {@link tpeSampler}. */
  readonly sampler?: Sampler
  /** Ends trials early. Default: none does. */
  readonly pruner?: Pruner
  /** Default `minimize`. */
  readonly direction?: SearchDirection
  /** The same seed gives the same suggestions. Default 42. */
  readonly seed?: number
  /** Keeps the journal, to go on from. Default: nothing is kept. */
  readonly directory?: string
  /** How many trials run at a time; more than one needs an objective in a module. Default 1. */
  readonly concurrency?: number
  /** Stops the search and its trials. */
  readonly signal?: AbortSignal
  /** Told everything as it happens; what it throws ends the search. */
  readonly onEvent?: (event: SearchEvent<Space>) => void
}

type StaysOptional = 'pruner' | 'directory' | 'signal'

/** {@link SearchOptions} with its defaults. */
export type ResolvedSearchOptions = Required<Omit<SearchOptions, StaysOptional>> &
  Pick<SearchOptions, StaysOptional> & {
    /** What must be the same for a search to go on. */
    readonly identity: object
  }

/** @throws ArgumentError on options that cannot be meant. */
export function resolveSearchOptions(options: SearchOptions): ResolvedSearchOptions {
  const { space, objective, pruner, trials = Infinity, concurrency = 1, seed = 42 } = options
  const { sampler = tpeSampler(), direction = 'minimize', onEvent = () => undefined } = options
  if (Object.keys(space).length === 0) {
    throw invalid('space', 'one or more dimensions', 'none')
  }
  if (trials === Infinity && !sampler.isFinite) {
    throw invalid('trials', `given with '${sampler.name}', which never ends by itself`, 'undefined')
  }
  if (trials !== Infinity) checkCount('search', { trials }, 1)
  checkCount('search', { concurrency }, 1)
  if (concurrency > 1 && !(objective instanceof URL)) {
    throw invalid('objective', 'the URL of a module, with a concurrency above 1', 'a function')
  }
  if (objective instanceof URL && objective.protocol !== 'file:') {
    throw invalid('objective', 'a function or the file: URL of a module', objective.href)
  }
  const identity = { space, direction, seed, sampler: madeWith(sampler), pruner: pruner && madeWith(pruner) }
  return { ...options, trials, concurrency, seed, sampler, direction, onEvent, identity }
}

const madeWith = ({ name, settings }: Sampler | Pruner) => ({ name, ...settings })

function invalid(argument: string, expected: string, received: string): ArgumentError {
  const remedy = 'See the docstring of SearchOptions for what goes together.'
  return new ArgumentError({ function: 'search', argument, expected, received, remedy })
}
