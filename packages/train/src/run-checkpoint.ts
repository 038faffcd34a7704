import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type ParameterStore, slotName } from '@tfx/backend'
import { ArgumentError, CheckpointError, describeWriteFailure, writeDirectory } from '@tfx/common'
import type { CheckpointSettings } from './checkpoint-options'
import type { ResolvedFitOptions } from './fit-options'
import type { RunState } from './run'

/** A checkpoint on disk: `state.json`, and the numbers of all parameters in `tensors.bin`, float32 in machine order. */
interface CheckpointFile {
  readonly format: 1
  /** What must be the same for the run to go on as if it had not been cut. */
  readonly identity: Readonly<Record<string, unknown>>
  readonly tensors: readonly { parameter: string; slot: string; length: number }[]
  /** Of `tensors.bin`, in hexadecimal. */
  readonly sha256: string
  readonly state: RunState
}

type CheckpointOptions = ResolvedFitOptions & { readonly checkpoints: Required<CheckpointSettings> }

const prefix = 'step-'
const folderOf = (step: number) => `${prefix}${String(step).padStart(8, '0')}`

/**
 * Writes where a run stands, whole or not at all, and removes old checkpoints.
 *
 * @returns The checkpoint's directory.
 * @throws FileSystemError if it cannot be written; older checkpoints stay.
 */
export async function writeRunCheckpoint(state: RunState, options: CheckpointOptions): Promise<string> {
  const { store, checkpoints } = options
  const directory = join(checkpoints.directory, folderOf(state.history.length))
  const write = async (temporary: string) => {
    const tensors = tensorsOf(options)
    const hash = createHash('sha256')
    const file = await open(join(temporary, 'tensors.bin'), 'w')
    try {
      for (const { parameter, slot } of tensors) {
        const bytes = await bytesOf(store, parameter, slot)
        hash.update(bytes)
        await file.writeFile(bytes)
      }
    } finally {
      await file.close()
    }
    const identity = identityOf(options)
    const content: CheckpointFile = { format: 1, identity, tensors, sha256: hash.digest('hex'), state }
    await writeFile(join(temporary, 'state.json'), JSON.stringify(content, keepNonFinite))
  }
  await writeDirectory(directory, write, { caller: 'fit', overwrite: true, marker: 'state.json' })
  await prune(checkpoints)
  return directory
}

/**
 * Reads the latest checkpoint that is whole into the store.
 *
 * @returns The state to go on from, or undefined if there is no checkpoint.
 * @throws ArgumentError if it is one of another run, CheckpointError if all there are are damaged.
 */
export async function readRunCheckpoint(options: CheckpointOptions): Promise<RunState | undefined> {
  const { directory } = options.checkpoints
  const folders = await listCheckpoints(directory)
  let damage: Error | undefined
  for (const folder of folders.reverse()) {
    const path = join(directory, folder)
    let content: CheckpointFile
    try {
      content = await readState(path)
      await checkTensors(path, content)
    } catch (error) {
      damage ??= error as Error
      continue
    }
    checkIdentity(content, options)
    await readTensors(path, content, options.store)
    return content.state
  }
  if (damage !== undefined) throw damage
  return undefined
}

async function readState(path: string): Promise<CheckpointFile> {
  try {
    const content = JSON.parse(await readFile(join(path, 'state.json'), 'utf8'), restoreNonFinite) as {
      format: unknown
    }
    if (content.format === 1) return content as CheckpointFile
    throw new Error(`format ${String(content.format)}`)
  } catch (cause) {
    throw damaged(path, 'a state.json that cannot be read', cause)
  }
}

/** JSON makes null of NaN and the infinities, which metrics may be, and the best of them. */
const keepNonFinite = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? { nonFinite: String(value) } : value

const restoreNonFinite = (_: string, value: unknown) =>
  typeof value === 'object' && value !== null && 'nonFinite' in value ? Number(value.nonFinite) : value

async function checkTensors(path: string, { sha256 }: CheckpointFile): Promise<void> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(join(path, 'tensors.bin'))) hash.update(chunk as Buffer)
  } catch (cause) {
    throw damaged(path, 'a tensors.bin that cannot be read', cause)
  }
  if (hash.digest('hex') !== sha256) throw damaged(path, 'a tensors.bin with another checksum', undefined)
}

async function readTensors(path: string, { tensors }: CheckpointFile, store: ParameterStore): Promise<void> {
  const file = await open(join(path, 'tensors.bin'))
  try {
    for (const { parameter, slot, length } of tensors) {
      const data = new Float32Array(length)
      const bytes = new Uint8Array(data.buffer)
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done)
        if (bytesRead === 0) throw damaged(path, 'a tensors.bin that ends early', undefined)
        done += bytesRead
      }
      store.write(parameter, data, slot)
    }
  } finally {
    await file.close()
  }
}

/** All that a step reads and leaves behind. */
function tensorsOf({ store, parameters, optimizer, ...options }: CheckpointOptions) {
  const slots = ['value', ...optimizer.slots.map(slotName)]
  if (options.averaging !== undefined) slots.push('average')
  if (options.keepBest !== undefined) slots.push('best')
  const lengthOf = (parameter: string, slot: string) =>
    store.kind === 'memory' ? store.block(parameter).lengths[slot]! : store.tensor(parameter, slot).size
  const slotsOf = (names: readonly string[], slots: readonly string[]) =>
    names.flatMap((parameter) =>
      slots.map((slot) => ({ parameter, slot, length: lengthOf(parameter, slot) })),
    )
  const ofBuffers = options.keepBest === undefined ? ['value'] : ['value', 'best']
  return [...slotsOf(parameters, slots), ...slotsOf(options.buffers, ofBuffers)]
}

async function bytesOf(store: ParameterStore, parameter: string, slot: string): Promise<Uint8Array> {
  const data = store.kind === 'memory' ? store.view(parameter, slot) : await store.read(parameter, slot)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function identityOf(options: CheckpointOptions): Record<string, unknown> {
  const { seed, gradientAccumulationSteps, checkpoints } = options
  const { name: optimizer, settings, weightDecay } = options.optimizer
  const own = {
    optimizer,
    optimizerSettings: { ...settings, weightDecay },
    seed,
    gradientAccumulationSteps,
  }
  return { ...own, parameters: hashOf(tensorsOf(options)), ...checkpoints.identity }
}

function hashOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16)
}

function checkIdentity({ identity }: CheckpointFile, options: CheckpointOptions): void {
  const own = identityOf(options)
  const names = [...new Set([...Object.keys(own), ...Object.keys(identity)])]
  const different = names.find((name) => JSON.stringify(own[name]) !== JSON.stringify(identity[name]))
  if (different === undefined) return
  throw new ArgumentError({
    function: 'fit',
    argument: 'checkpoints.directory',
    expected: `the checkpoints of this run, with ${different} ${JSON.stringify(own[different])}`,
    received: `those of one with ${JSON.stringify(identity[different])}`,
    remedy: 'Choose another directory for a new run, or pass { resume: false } to overwrite these.',
  })
}

/** Names of the checkpoints in a directory, oldest first. */
async function listCheckpoints(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory))
      .filter((name) => /^step-\d{8,}$/.test(name))
      .sort((a, b) => stepOf(a) - stepOf(b))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw describeWriteFailure(error, { caller: 'fit', directory })
  }
}

const stepOf = (folder: string) => Number(folder.slice(prefix.length))

/** Removes all checkpoints. */
export async function clearRunCheckpoints(directory: string): Promise<void> {
  for (const folder of await listCheckpoints(directory)) await remove(directory, folder)
}

async function prune({ directory, keep }: { directory: string; keep: number }): Promise<void> {
  const folders = await listCheckpoints(directory)
  for (const folder of folders.slice(0, Math.max(0, folders.length - keep))) await remove(directory, folder)
  // What a killed run left half-written; no other run may share the directory.
  for (const name of await readdir(directory)) {
    if (name.startsWith(`.${prefix}`)) await remove(directory, name)
  }
}

async function remove(directory: string, folder: string): Promise<void> {
  await rm(join(resolve(directory), folder), { recursive: true, force: true })
}

function damaged(path: string, received: string, cause: unknown): CheckpointError {
  return new CheckpointError({
    function: 'fit',
    argument: 'checkpoints.directory',
    expected: 'a whole checkpoint of a run',
    received: `${received} in '${path}'`,
    remedy: 'Remove it; an older one is used if there is one. { resume: false } starts anew.',
    ...(cause === undefined ? {} : { cause }),
  })
}
