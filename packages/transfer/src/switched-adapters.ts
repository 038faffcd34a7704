import type { Program } from '@tfx/backend'
import { ArgumentError, type HostTensor } from '@tfx/common'
import { type EncoderConfig, promptName } from '@tfx/core'
import { virtualTokens } from './adapted'
import type { TaskHead } from './head'
import { adapterInput, compileForward, type Weights } from './runtime'

/** An adapter that is kept beside its base, with the head that was trained with it. */
export interface SwitchableAdapter {
  /** The base's configuration with the labels of the adapter's head. */
  readonly config: EncoderConfig
  readonly tensors: Readonly<Record<string, HostTensor>>
}

/** The adapters of a model by name. */
export interface SwitchableAdapters {
  readonly byName: Readonly<Record<string, SwitchableAdapter>>
  /** Whether the base has no head of its own, so that it answers by an adapter only. */
  readonly isNeeded: boolean
}

/** A model as it computes with one of its adapters, or with none. */
interface AdaptedForward {
  readonly config: EncoderConfig
  readonly program: Pick<Program, 'run'>
  readonly virtualTokens: number
}

/** The forward passes of a model, compiled when they are first asked for. */
export interface AdaptedForwards {
  /** @throws ArgumentError if there is no adapter of this name. */
  of(name: string | undefined, caller: string): Promise<AdaptedForward>
  dispose(): Promise<void>
}

/**
 * The forward passes of a model by adapter. What an adapter has learned is an input of the pass: all adapters share one copy
 * of the base, those of the same shapes share one compiled pass, and answers by several adapters may be asked for at once.
 */
export function adaptedForwards(
  head: Pick<TaskHead<never, unknown, never>, 'forward'>,
  weights: Weights<EncoderConfig>,
  { byName, isNeeded }: SwitchableAdapters = { byName: {}, isNeeded: false },
): AdaptedForwards {
  const programs = new Map<string, Promise<Program>>()
  const compiled = ({ config, tensors }: SwitchableAdapter) => {
    const shapes = Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]))
    const key = JSON.stringify(shapes)
    const known = programs.get(key)
    if (known !== undefined) return known
    const program = compileForward(head, { ...weights, config }, shapes)
    programs.set(key, program)
    return program
  }
  return {
    async of(name, caller) {
      const own: SwitchableAdapter | undefined = isNeeded
        ? undefined
        : { config: weights.config, tensors: {} }
      const adapter = name === undefined ? own : Object.hasOwn(byName, name) ? byName[name] : undefined
      if (adapter === undefined) throw unknownAdapter(name, { caller, known: Object.keys(byName) })
      const program = await compiled(adapter)
      const { tensors, config } = adapter
      const inputs = Object.fromEntries(
        Object.entries(tensors).map(([parameter, tensor]) => [adapterInput(parameter), tensor]),
      )
      return {
        config,
        program: { run: (texts, options) => program.run({ ...texts, ...inputs }, options) },
        virtualTokens: tensors[promptName]?.shape[0] ?? virtualTokens(weights.store),
      }
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose()
    },
  }
}

function unknownAdapter(
  name: string | undefined,
  { caller, known }: { caller: string; known: readonly string[] },
): ArgumentError {
  const listed = known.map((other) => `'${other}'`).join(', ')
  return new ArgumentError({
    function: caller,
    argument: 'adapter',
    expected:
      known.length === 0 ? 'left out for a model that was loaded without adapters' : `one of ${listed}`,
    received: name === undefined ? 'nothing, though the base has no head of its own' : `'${name}'`,
    remedy: "Name those that it is to have: load(base, { adapters: { name: './directory' } }).",
  })
}
