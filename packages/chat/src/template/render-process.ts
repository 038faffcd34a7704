import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { renderProgram } from './render-program'

/** Why a template gave no text; `refusal` is what it says by raise_exception. */
export type RenderFailure =
  | { readonly reason: 'syntax'; readonly message: string }
  | { readonly reason: 'render' | 'refusal'; readonly message: string; readonly item: number }
  | { readonly reason: 'time' | 'memory' | 'length' | 'start'; readonly message?: undefined }

/** What a template made of each item, or why it did not. */
export type RenderOutcome = { readonly texts: readonly string[] } | { readonly failure: RenderFailure }

/** What a template may use up. */
export interface RenderLimits {
  readonly milliseconds: number
  readonly heapMegabytes: number
  /** UTF-16 units of one text. */
  readonly characters: number
}

/** Renders items with one template. */
export type Renderer = (items: readonly Readonly<Record<string, unknown>>[]) => Promise<RenderOutcome>

/** How long a process may take to start, on a machine with much to do. */
const startMilliseconds = 60_000

/** A process that nobody needs is ended after so long. */
const idleMilliseconds = 30_000

/**
 * Renders a template of a stranger in a process of its own. In this process, or a thread of it, a template could not be
 * held: native string and array functions abort the whole process when the heap is full, whatever limits a thread has.
 * The process starts with the first call, takes one call after the other, and is ended when it is idle or at fault; a new
 * one takes its place.
 */
export function createRenderer(source: string, limits: RenderLimits): Renderer {
  let running: Promise<ChildProcess | undefined> | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  const end = () => {
    void running?.then((child) => child?.kill('SIGKILL'))
    running = undefined
  }
  const renderNow = async (items: Parameters<Renderer>[0]): Promise<RenderOutcome> => {
    clearTimeout(idle)
    // It may have been ended by somebody else.
    if (!(await running)?.connected) running = startProcess(limits)
    const child = await running
    const request = { source, items, characters: limits.characters }
    const answer = child && (await nextMessage(child, limits.milliseconds, request))
    const outcome = typeof answer === 'object' ? answer : { failure: { reason: answer ?? 'start' } as const }
    if ('failure' in outcome && outcome.failure.message === undefined) end()
    idle = setTimeout(end, idleMilliseconds).unref()
    return outcome
  }
  return async (items) => {
    const outcome = last.then(async () => renderNow(items))
    last = outcome.catch(() => undefined)
    return outcome
  }
}

/** A process that is ready; undefined if none could be started. */
async function startProcess({ heapMegabytes }: RenderLimits): Promise<ChildProcess | undefined> {
  const library = createRequire(import.meta.url).resolve('@huggingface/jinja')
  const memory = [`--max-old-space-size=${heapMegabytes}`, '--max-semi-space-size=2']
  const child = spawn(process.execPath, [...memory, '-e', renderProgram, library], {
    // Where V8 gives up, it prints a page on why.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', ELECTRON_RUN_AS_NODE: '1' },
    windowsHide: true,
  })
  child.on('error', () => undefined)
  // It must not keep the program alive; the timer of a call under way does.
  child.unref()
  child.channel?.unref()
  const isReady = typeof (await nextMessage(child, startMilliseconds)) === 'object'
  if (!isReady) child.kill('SIGKILL')
  return isReady ? child : undefined
}

/** What a process says next, to a request if there is one; or why it says nothing: it is gone, or takes too long. */
async function nextMessage(
  child: ChildProcess,
  milliseconds: number,
  request?: object,
): Promise<RenderOutcome | 'memory' | 'time'> {
  return new Promise((resolve) => {
    const finish = (answer: RenderOutcome | 'memory' | 'time') => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit).off('error', onExit)
      resolve(answer)
    }
    const onMessage = (message: unknown) => {
      finish(message as RenderOutcome)
    }
    const onExit = () => {
      finish('memory')
    }
    const timer = setTimeout(finish, milliseconds, 'time')
    child.on('message', onMessage).on('exit', onExit).on('error', onExit)
    // A process that is gone is noticed by its exit.
    if (request) child.send(request, () => undefined)
  })
}
