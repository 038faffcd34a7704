import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  choice,
  gridSampler,
  integer,
  medianPruner,
  randomSampler,
  search,
  SearchAbortedError,
  type SearchEvent,
  type SearchOptions,
  successiveHalvingPruner,
  tpeSampler,
  type Trial,
  uniform,
} from '../src/index'

let root: string
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'tfx-search-'))))
afterEach(() => rm(root, { recursive: true, force: true }))

const journalOf = (directory: string) => readFile(join(directory, 'journal.jsonl'), 'utf8')

/** Trials that report, that are pruned, and that fail now and then. */
const space = { x: uniform(-2, 2), kind: choice(['plain', 'late', 'broken']) }
async function objective({ x, kind }: { x: number; kind: string }, trial: Trial): Promise<number> {
  for (let step = 0; step < 4; step++) {
    if (await trial.report(step, x * x + 1 / (1 + step))) throw new Error('Stop here.')
    if (kind === 'broken' && step === 2 && x > 0) throw new RangeError('x is too large')
  }
  return kind === 'late' ? x * x : x * x + 0.5
}
const options = {
  space,
  objective,
  trials: 24,
  sampler: tpeSampler({ startupTrials: 5 }),
  pruner: medianPruner({ startupTrials: 2 }),
} satisfies SearchOptions<typeof space>

describe('search', () => {
  it('makes all trials and knows the best', async () => {
    const events: SearchEvent[] = []
    const { best, trials } = await search({ ...options, onEvent: (event) => events.push(event) })
    expect(trials.map(({ number }) => number)).toEqual(Array.from({ length: 24 }, (_, number) => number))
    const states = new Set(trials.map(({ state }) => state))
    expect(states).toEqual(new Set(['complete', 'pruned', 'failed']))
    const complete = trials.filter(({ state }) => state === 'complete')
    for (const { parameters, value } of complete) {
      const { x, kind } = parameters
      expect(value).toBe(kind === 'late' ? x * x : x * x + 0.5)
    }
    expect(best!.value).toBe(Math.min(...complete.map(({ value }) => value!)))
    expect(trials.find(({ state }) => state === 'failed')!.error).toBe('x is too large')
    for (const { reports } of trials.filter(({ state }) => state === 'pruned')) {
      expect(reports.map(({ prune }) => prune)).toEqual([...reports.slice(1).map(() => false), true])
    }
    expect(events.filter(({ type }) => type === 'start')).toHaveLength(24)
    expect(events.filter(({ type }) => type === 'finish')).toHaveLength(24)
    const bests = events.flatMap((event) => (event.type === 'best' ? [event.trial.value!] : []))
    expect(bests).toEqual([...bests].sort((left, right) => right - left))
    expect(bests.at(-1)).toBe(best!.value)
  })

  it('fires the signal of a trial that is pruned', async () => {
    const wait = async ({ x }: { x: number }, trial: Trial) => {
      const stopped = new Promise((resolve) => trial.signal.addEventListener('abort', resolve))
      void trial.report(1, x)
      if (trial.number === 0) return x
      await stopped
      throw trial.signal.reason as Error
    }
    const pruner = successiveHalvingPruner()
    const space = { x: integer(1, 3) }
    const { trials } = await search({
      space,
      objective: wait,
      pruner,
      sampler: { ...randomSampler(), suggest: ({ trials }) => ({ x: 1 + trials.length }) },
      trials: 3,
    })
    expect(trials.map(({ state }) => state)).toEqual(['complete', 'pruned', 'pruned'])
  })

  it('lets a trial that does not obey run to its end, as Optuna', async () => {
    const { trials } = await search({
      ...options,
      objective: async ({ x }, { report }) => {
        await report(0, x)
        return x
      },
    })
    expect(trials.every(({ state }) => state === 'complete')).toBe(true)
    expect(trials.some(({ reports }) => reports[0]!.prune)).toBe(true)
  })

  it('counts as failed what is no number', async () => {
    const values = [1, Number.NaN, undefined, Infinity]
    const { trials } = await search({
      space,
      objective: (_, { number }) => values[number]!,
      trials: 4,
      directory: root,
    })
    expect(trials.map(({ state }) => state)).toEqual(['complete', 'failed', 'failed', 'complete'])
    expect(trials[1]!.error).toBe('The objective returned NaN instead of a number.')
    // Read back as they were.
    expect((await search({ space, objective: () => 0, trials: 4, directory: root })).trials).toEqual(trials)
  })

  it('refuses what cannot be meant', async () => {
    const run = (changes: Partial<SearchOptions<typeof space>>) => search({ ...options, ...changes })
    await expect(run({ trials: 0 })).rejects.toThrow(
      "search: 'trials' must be an integer of at least 1, but got 0.",
    )
    await expect(search({ space, objective })).rejects.toThrow(
      "search: 'trials' must be given with 'tpe', which never ends by itself, but got undefined.",
    )
    await expect(search({ space: {}, objective: () => 0, trials: 1 })).rejects.toThrow(
      "search: 'space' must be one or more dimensions, but got none.",
    )
    await expect(run({ concurrency: 2 })).rejects.toThrow(
      "search: 'objective' must be the URL of a module, with a concurrency above 1, but got a function.",
    )
    await expect(run({ objective: new URL('data:text/javascript,') })).rejects.toThrow(
      "search: 'objective' must be a function or the file: URL of a module, but got data:text/javascript,.",
    )
    const wrongStep = async (_: object, { report }: Trial) => Number(await report(0.5, 1))
    await expect(run({ objective: wrongStep })).rejects.toThrow(
      "search: 'objective' must be a function that returns a number for some parameters, but got a failure in each of 24 " +
        "trials, the first: trial.report: 'step' must be an integer of at least 0, but got 0.5. Count steps or epochs, " +
        'alike in all trials.',
    )
  })

  it('ends with what onEvent throws', async () => {
    const onEvent = ({ type }: SearchEvent) => {
      if (type === 'report') throw new Error('no room on the screen')
    }
    await expect(search({ ...options, onEvent })).rejects.toThrow('no room on the screen')
  })

  it('stops when aborted, and says what it found', async () => {
    const controller = new AbortController()
    const onEvent = (event: SearchEvent) => {
      if (event.type === 'report' && event.trial.number === 6) controller.abort()
    }
    const error: unknown = await search({ ...options, signal: controller.signal, onEvent }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(SearchAbortedError)
    expect((error as SearchAbortedError).message).toContain('aborted after 6 trials')
    expect((error as SearchAbortedError).result.trials).toHaveLength(7)
  })
})

describe('a search that is cut', () => {
  it('goes on as if it had not been, wherever its journal ends', async () => {
    const directory = join(root, 'whole')
    const whole = await search({ ...options, directory })
    const journal = await journalOf(directory)
    const bytes = Buffer.from(journal)
    // At the end of every line, just before it, and in the middle of the next.
    const ends = [...bytes.keys()].filter((index) => bytes[index] === 10)
    const cuts = ends.flatMap((end) => [end, end + 1, end + 20]).filter((_, index) => index % 12 === 0)
    expect(cuts.length).toBeGreaterThan(20)
    for (const [index, cut] of cuts.entries()) {
      const again = join(root, `cut-${index}`)
      await mkdir(again)
      await writeFile(join(again, 'journal.jsonl'), bytes.subarray(0, cut))
      expect((await search({ ...options, directory: again })).trials).toEqual(whole.trials)
      expect(await journalOf(again)).toBe(journal)
    }
  })

  it('begins a trial again in its own directory, and knows what it had reported', async () => {
    const seen: unknown[] = []
    const controller = new AbortController()
    const run = (signal?: AbortSignal) =>
      search({
        ...options,
        directory: root,
        trials: 1,
        ...(signal && { signal }),
        objective: async ({ x }, { directory, report, signal }) => {
          seen.push(directory)
          // As an objective with checkpoints of its own: the second time it goes on after step 3.
          if (seen.length === 1) {
            await report(3, 0.75)
            controller.abort()
            signal.throwIfAborted()
          }
          await report(4, 0.5)
          return x
        },
      })
    await expect(run(controller.signal)).rejects.toThrow('Make the same call again to go on from here')
    const { trials } = await run()
    expect(seen).toEqual([join(root, 'trial-0000'), join(root, 'trial-0000')])
    expect(trials[0]!.reports.map(({ step, value }) => [step, value])).toEqual([
      [3, 0.75],
      [4, 0.5],
    ])
  })

  it('can be made longer', async () => {
    await search({ ...options, trials: 10, directory: root })
    const events: string[] = []
    const onEvent = ({ type }: SearchEvent) => void events.push(type)
    const longer = await search({ ...options, directory: root, onEvent })
    expect(longer.trials).toEqual((await search(options)).trials)
    expect(events[0]).toBe('resume')
    expect(events.filter((type) => type === 'start')).toHaveLength(14)
  })

  it('is refused with other settings', async () => {
    await search({ ...options, trials: 3, directory: root })
    const other = (changes: object) => search({ ...options, directory: root, ...changes })
    await expect(other({ seed: 7 })).rejects.toThrow(
      /search: 'seed' must be that of the search in .*, 42, but got 7\./,
    )
    await expect(other({ direction: 'maximize' })).rejects.toThrow("'direction' must be that")
    await expect(other({ space: { ...space, x: uniform(-2, 3) } })).rejects.toThrow("'space' must be that")
    await expect(other({ sampler: tpeSampler() })).rejects.toThrow('"startupTrials":5')
    await expect(other({ pruner: undefined })).rejects.toThrow("'pruner' must be that")
  })

  it('says where its journal is damaged', async () => {
    await search({ ...options, trials: 3, directory: root })
    const lines = (await journalOf(root)).split('\n')
    const damage = async (line: number, content: string) => {
      const damaged = lines.map((old, index) => (index === line - 1 ? content : old)).join('\n')
      await writeFile(join(root, 'journal.jsonl'), damaged)
      return search({ ...options, directory: root })
    }
    await expect(damage(1, '{}')).rejects.toThrow('which does not begin as the journal of a search')
    await expect(damage(3, '{"type":"rep')).rejects.toThrow(/but got line 3 of '.*', which is no JSON/)
    await expect(damage(3, '{"type":"report","trial":0}')).rejects.toThrow('which is no event of a search')
    const finish = '{"type":"finish","trial":2,"state":"pruned"}'
    await expect(damage(3, finish)).rejects.toThrow("an event 'finish' of trial 2, which has not begun")
    await expect(damage(3, finish)).rejects.toMatchObject({ name: 'CheckpointError' })
  })

  it('says where it cannot write', async () => {
    await writeFile(join(root, 'file'), '')
    await expect(search({ ...options, directory: join(root, 'file') })).rejects.toMatchObject({
      name: 'FileSystemError',
      function: 'search',
    })
  })
})

describe('trials in processes of their own', () => {
  const module = (name: string) => new URL(`./objectives/${name}.mjs`, import.meta.url)
  const quadratic = module('quadratic')

  it('give what they give in this process', async () => {
    const space = { x: uniform(-2, 2) }
    const { objective } = (await import(quadratic.href)) as typeof options
    const here = await search({ space, objective: objective as never, trials: 4 })
    const apart = await search({ space, objective: quadratic, trials: 4, concurrency: 2 })
    expect(apart).toEqual(here)
  })

  it('may crash, exit and throw: the search goes on', async () => {
    const fates = ['well', 'crash', 'exit', 'throw', 'nothing', 'function'] as const
    const { trials } = await search({
      space: { x: integer(2, 2), fate: choice(fates) },
      objective: quadratic,
      sampler: gridSampler(),
      concurrency: 3,
    })
    const became = Object.fromEntries(
      trials.map(({ parameters, value, error }) => [parameters.fate, value ?? error]),
    )
    expect(became).toEqual({
      well: 4,
      crash: "The trial's process ended with SIGKILL.",
      exit: "The trial's process ended with code 7.",
      throw: 'x is 2',
      nothing: 'The objective returned undefined instead of a number.',
      function: 'The objective returned () => x instead of a number.',
    })
  })

  it('hear the pruner', async () => {
    const { trials } = await search({
      space: { x: integer(1, 4), steps: choice([1000]) },
      objective: quadratic,
      sampler: gridSampler(),
      pruner: { name: 'all', settings: {}, shouldPrune: ({ trial }) => trial.reports.length === 3 },
      concurrency: 2,
    })
    expect(trials.map(({ state, reports }) => [state, reports.length])).toEqual(
      Array.from({ length: 4 }, () => ['pruned', 3]),
    )
  })

  it('end when the search is aborted, and begin again', async () => {
    const controller = new AbortController()
    const hanging = {
      space: { x: integer(1, 2), fate: choice(['hang']) },
      objective: quadratic,
      sampler: gridSampler(),
      concurrency: 2,
      directory: root,
    }
    let begun = 0
    const onEvent = () => void (++begun === 2 && setTimeout(() => controller.abort(), 200))
    const started = performance.now()
    await expect(search({ ...hanging, signal: controller.signal, onEvent })).rejects.toThrow(
      'aborted after 0',
    )
    expect(performance.now() - started).toBeLessThan(30_000)
    expect((await journalOf(root)).split('\n')).toHaveLength(4)
  })

  it('need a module with an objective', async () => {
    const run = (name: string) =>
      search({ space, objective: module(name), sampler: gridSampler(), concurrency: 2 })
    await expect(run('no-objective')).rejects.toThrow(
      /search: 'objective' must be the URL of a module that exports a function named 'objective', but got file:.*no-objective.mjs: The module exports no function named objective\./,
    )
    await expect(run('missing')).rejects.toThrow(/missing\.mjs: Cannot find module/)
  })
})
