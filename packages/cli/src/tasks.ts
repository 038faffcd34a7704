import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ArgumentError } from '@tfx/common'

/** A model of any task, as far as the commands go. */
export interface TaskModel {
  readonly notes: readonly string[]
  /** Of tasks whose models answer text by text. */
  predictStream?(inputs: AsyncIterable<string> | Iterable<string>, options?: object): AsyncGenerator
  evaluate(dataset: string, options?: object): Promise<Record<string, unknown>>
  save(directory: string, options?: object): Promise<void>
  saveAdapter(directory: string, options?: object): Promise<void>
  dispose(): Promise<void>
}

/** What the package of a task exports. */
export interface TaskPackage {
  readonly transfer: (base: string, dataset: string, options?: object) => Promise<TaskModel>
  readonly load: (source: string, options?: object) => Promise<TaskModel>
}

/**
 * Opens the package of a task: `sentiment` is `@tfx/sentiment`; a name with a slash is any package that exports
 * `transfer` and `load`. It is looked for beside the command line tool and where the command runs.
 *
 * @throws ArgumentError if there is none.
 */
export async function openTask(task: string): Promise<TaskPackage> {
  const name = task.includes('/') ? task : `@tfx/${task}`
  const opened = (await importFirst(name)) as Partial<TaskPackage> | undefined
  if (typeof opened?.transfer === 'function' && typeof opened.load === 'function')
    return opened as TaskPackage
  throw new ArgumentError({
    function: 'tfx',
    argument: '--task',
    expected: 'a task whose package is installed',
    received: `'${task}' (${opened === undefined ? `there is no package ${name}` : `${name} is no task`})`,
    remedy: `Install it (npm install ${name}), or choose another, such as sentiment.`,
  })
}

async function importFirst(name: string): Promise<unknown> {
  if (name === '@tfx/sentiment') return import('@tfx/sentiment')
  try {
    return await import(name)
  } catch (error) {
    if (!isMissing(error, name)) throw error
  }
  try {
    const path = createRequire(join(process.cwd(), 'package.json')).resolve(name)
    return await import(pathToFileURL(path).href)
  } catch (error) {
    if (isMissing(error, name)) return undefined
    throw error
  }
}

const isMissing = (error: unknown, name: string) =>
  error instanceof Error &&
  'code' in error &&
  String(error.code).endsWith('MODULE_NOT_FOUND') &&
  error.message.includes(name)
