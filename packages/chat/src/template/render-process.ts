import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'

/** Why a template gave no text. */
export type RenderFailure =
  | { readonly reason: 'syntax' | 'render'; readonly message: string }
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

/**
 * What the process runs: the library and nothing else. It is text, so that it needs no file beside every bundle of this
 * package, and plain JavaScript, since nothing compiles it.
 */
const program = `
const { Template } = require(process.argv[1])
let template
process.on('disconnect', () => process.exit())
process.on('message', ({ source, items, characters }) => {
  try {
    template ??= new Template(source)
  } catch (error) {
    return process.send({ failure: { reason: 'syntax', message: String(error?.message).slice(0, 500) } })
  }
  try {
    const texts = items.map((item) => template.render(item))
    const isLong = texts.some((text) => text.length > characters)
    process.send(isLong ? { failure: { reason: 'length' } } : { texts })
  } catch (error) {
    process.send({ failure: { reason: 'render', message: String(error?.message).slice(0, 500) } })
  }
})
`

/** A process that nobody needs is ended after so long. */
const idleMilliseconds = 30_000

/**
 * Renders a template of a stranger in a process of its own. In this process, or a thread of it, a template could not be
 * held: native string and array functions abort the whole process when the heap is full, whatever limits a thread has.
 * The process starts with the first call, takes one call after the other, and is ended when it is idle or at fault; a new
 * one takes its place.
 */
export function createRenderer(source: string, limits: RenderLimits): Renderer {
  const library = createRequire(import.meta.url).resolve('@huggingface/jinja')
  let running: ChildProcess | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  const end = () => {
    running?.removeAllListeners()
    // A process that could not be started says so again.
    running?.on('error', () => undefined)
    running?.kill('SIGKILL')
    running = undefined
  }
  const renderNow = async (items: Parameters<Renderer>[0]): Promise<RenderOutcome> => {
    clearTimeout(idle)
    running ??= startProcess(library, limits)
    const outcome = await ask(running, { source, items, characters: limits.characters }, limits)
    if ('failure' in outcome && outcome.failure.message === undefined) end()
    idle = setTimeout(end, idleMilliseconds).unref()
    return outcome
  }
  return async (items) => {
    const outcome = last.then(async () => renderNow(items))
    last = outcome
    return outcome
  }
}

function startProcess(library: string, { heapMegabytes }: RenderLimits): ChildProcess {
  const started = spawn(
    process.execPath,
    [`--max-old-space-size=${heapMegabytes}`, '--max-semi-space-size=2', '-e', program, library],
    {
      // Where V8 gives up, it prints a page on why.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '', ELECTRON_RUN_AS_NODE: '1' },
      windowsHide: true,
    },
  )
  started.unref()
  // It must not keep the program alive: the timer of a call under way does.
  started.channel?.unref()
  return started
}

async function ask(child: ChildProcess, request: object, limits: RenderLimits): Promise<RenderOutcome> {
  return new Promise((resolve) => {
    const finish = (outcome: RenderOutcome) => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit).off('error', onError)
      resolve(outcome)
    }
    const onMessage = (outcome: unknown) => {
      finish(outcome as RenderOutcome)
    }
    const onExit = () => {
      finish({ failure: { reason: 'memory' } })
    }
    const onError = () => {
      finish({ failure: { reason: 'start' } })
    }
    const timer = setTimeout(() => {
      finish({ failure: { reason: 'time' } })
    }, limits.milliseconds)
    child.on('message', onMessage).on('exit', onExit).on('error', onError)
    child.send(request, (error) => {
      // `exit` follows if it is gone.
      if (error && child.exitCode === null && child.signalCode === null) onError()
    })
  })
}
