import { ArgumentError } from '@tfx/common'
import {
  type EncoderConfig,
  type FurtherParameters,
  type ModelConfig,
  programMemory,
  type StepProgram,
  virtualTokensOf,
} from '@tfx/core'
import type { TaskHead } from './head'
import { compileForward, type Weights } from './runtime'

/** Which adapter a model computes with. */
export interface AdapterChoice {
  /** The name of one of those that the model was loaded with. Default: none. */
  readonly adapter?: string | undefined
}

/** An adapter that is kept beside its base, with the head that was trained with it. */
export interface SwitchableAdapter<Config extends ModelConfig = ModelConfig> {
  /** The base's configuration with the labels of the adapter's head. */
  readonly config: Config
  readonly parameters: FurtherParameters
}

/** The adapters of a model by name. */
export interface SwitchableAdapters<Config extends ModelConfig = ModelConfig> {
  readonly byName: Readonly<Record<string, SwitchableAdapter<Config>>>
  /** Whether the base has no head of its own, so that it answers by an adapter only. */
  readonly isNeeded: boolean
}

/**
 * One of the adapters that a model was loaded with; without a name the base as it is.
 *
 * @throws ArgumentError if there is none of this name.
 */
export function chosenAdapter<Config extends ModelConfig>(
  { byName, isNeeded }: SwitchableAdapters<Config> = { byName: {}, isNeeded: false },
  name: string | undefined,
  { config, caller }: { readonly config: Config; readonly caller: string },
): SwitchableAdapter<Config> {
  if (name === undefined && !isNeeded) return { config, parameters: {} }
  if (name !== undefined && Object.hasOwn(byName, name)) return byName[name]!
  const known = Object.keys(byName)
  throw new ArgumentError({
    function: caller,
    argument: 'adapter',
    expected:
      known.length === 0
        ? 'left out for a model that was loaded without adapters'
        : `one of ${known.map((other) => `'${other}'`).join(', ')}`,
    received: name === undefined ? 'nothing, though the base has no head of its own' : `'${name}'`,
    remedy: "Name those that it is to have: load(base, { adapters: { name: './directory' } }).",
  })
}

/** A model as it computes with one of its adapters, or with none. */
interface AdaptedForward {
  readonly config: EncoderConfig
  readonly program: StepProgram
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
  adapters: SwitchableAdapters<EncoderConfig> | undefined,
): AdaptedForwards {
  const programs = programMemory()
  return {
    async of(name, caller) {
      const { config, parameters } = chosenAdapter(adapters, name, { config: weights.config, caller })
      const program = await programs.once('forward', parameters, (shapes) =>
        compileForward(head, { ...weights, config }, shapes),
      )
      return { config, program, virtualTokens: virtualTokensOf(weights.store, parameters) }
    },
    dispose: () => programs.dispose(),
  }
}
