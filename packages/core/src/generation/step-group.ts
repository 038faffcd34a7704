import { gatherRows, type CacheRow, type CacheSizes, type KeyValueCache } from './key-value-cache'

/** Sequences that are written at the same time, and whose steps are computed together. */
export interface StepGroup {
  /** Lets a sequence in, with the keys and values of what was read of it: a cache of one row, which is the group's now. */
  join(cache: KeyValueCache): GroupMember
}

/** One sequence of a {@link StepGroup}. */
export interface GroupMember {
  /**
   * Appends a token and scores the one after it. Waits for the step that is under way, and for a moment for the others.
   *
   * @returns Scores, [vocabulary]: the caller's own.
   */
  next(token: number): Promise<Float32Array>
  /**
   * Leaves the group. Not while `next` is under way.
   *
   * @param isKept Whether its keys and values are still of use.
   * @returns They, in a cache of one row; nothing if a step has failed.
   */
  leave(isKept: boolean): KeyValueCache | undefined
}

export interface StepGroupOptions {
  readonly vocabSize: number
  /** Of the caches. */
  readonly sizes: CacheSizes
  /** Appends a token to each row. @returns Scores, [rows, vocabulary], until the next call. */
  readonly run: (cache: KeyValueCache, tokens: Int32Array) => Promise<Float32Array>
}

/** So long a step waits for those that were part of the one before, or are new: longer than it takes to draw a token. */
const patienceMilliseconds = 10

interface Member {
  /** Where its keys and values are; nowhere when a step with them has failed. */
  place: CacheRow | undefined
  hasLeft: boolean
}

interface Asked {
  readonly token: number
  readonly resolve: (scores: Float32Array) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Puts the steps of several sequences into one: whoever asks for a token while a step is under way is part of the next one.
 * Rows of different lengths end at the same column, with padding in front of shorter ones, so that a row computes what it
 * would alone. A row joins, leaves, or sits out while its reader is slow, by a copy of the rows; while the same go on, nothing
 * is copied. A step that fails does so for all that are part of it, and for no others.
 */
export function createStepGroup({ vocabSize, sizes, run }: StepGroupOptions): StepGroup {
  const waiting = new Map<Member, Asked>()
  /** Those of the last step, in the order of their rows. */
  let batch: readonly Member[] = []
  /** Those that a step waits for. */
  const expected = new Set<Member>()
  let isRunning = false
  let patience: NodeJS.Timeout | undefined

  function schedule(): void {
    if (isRunning || waiting.size === 0) return
    if ([...expected].every((member) => waiting.has(member))) void step()
    else patience ??= setTimeout(() => void step(), patienceMilliseconds)
  }

  async function step(): Promise<void> {
    clearTimeout(patience)
    patience = undefined
    isRunning = true
    const asked = new Map(waiting)
    waiting.clear()
    expected.clear()
    for (const member of asked.keys()) expected.add(member)
    const old = batch.filter((member) => asked.has(member))
    const members = [...old, ...[...asked.keys()].filter((member) => !old.includes(member))]
    try {
      const cache = arrange(members)
      const tokens = Int32Array.from(members, (member) => asked.get(member)!.token)
      const scores = await run(cache, tokens)
      members.forEach((member, row) => {
        asked.get(member)!.resolve(scores.slice(row * vocabSize, (row + 1) * vocabSize))
      })
    } catch (error) {
      for (const member of members) {
        member.place = undefined
        expected.delete(member)
        asked.get(member)!.reject(error)
      }
      batch = []
    } finally {
      isRunning = false
      schedule()
    }
  }

  /** One cache with the rows of some members, in their order; other members of the last step get one of their own. */
  function arrange(members: readonly Member[]): KeyValueCache {
    const isSame = members.length === batch.length && members.every((member, row) => member === batch[row])
    if (!isSame) {
      for (const member of batch) if (!members.includes(member)) member.place = alone(member)
      const [first] = members
      const cache =
        members.length === 1
          ? alone(first!)!.cache
          : gatherRows(
              members.map(({ place }) => place!),
              sizes,
            )
      members.forEach((member, row) => (member.place = { cache, row }))
      batch = members
    }
    return members[0]!.place!.cache
  }

  /** A place with a cache of its own; nowhere for who has left. */
  function alone({ place, hasLeft }: Member): CacheRow | undefined {
    if (!place || hasLeft) return undefined
    return place.cache.rows === 1 ? place : { cache: gatherRows([place], sizes), row: 0 }
  }

  return {
    join(cache) {
      const member: Member = { place: { cache, row: 0 }, hasLeft: false }
      expected.add(member)
      return {
        next: (token) =>
          new Promise((resolve, reject) => {
            waiting.set(member, { token, resolve, reject })
            schedule()
          }),
        leave(isKept) {
          const place = isKept ? alone(member) : undefined
          member.hasLeft = true
          member.place = undefined
          expected.delete(member)
          if (batch.every(({ hasLeft }) => hasLeft)) batch = []
          schedule()
          return place?.cache
        },
      }
    },
  }
}
