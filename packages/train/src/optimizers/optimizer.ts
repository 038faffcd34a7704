import { type ParameterStore, slotName, type SlotSpec } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { type Kernels, kernelsOf } from '../kernels'
import { checkSlots } from '../slots'

/** What changes from step to step. */
export interface StepSettings {
  /** The learning rate of this step, schedule applied. */
  readonly learningRate: number
  /** Weight decay of these parameters; its meaning is the optimizer's. */
  readonly weightDecay: number
  /** The number of this step, from 1: bias corrections need it. */
  readonly step: number
  /** Multiplies every gradient element on its way in: clipping and averaging without a pass of their own. */
  readonly gradientScale: number
}

/** One update of some parameters. */
export interface OptimizerUpdate extends StepSettings {
  readonly store: ParameterStore
  /** The parameters to update. */
  readonly names: readonly string[]
  /** The slot that holds the gradients. Default `gradient`. */
  readonly gradientSlot?: string
}

/** A rule that turns gradients into new values. It holds no state: that lies in the slots of a store. */
export interface Optimizer {
  readonly name: string
  /** The state that it keeps for each parameter, as slots. Zero before the first step. */
  readonly slots: readonly SlotSpec[]
  /** The weight decay of parameters that are decayed. */
  readonly weightDecay: number
  /** What else it was made with: a run that was cut goes on with the same. Default: nothing to tell it by. */
  readonly settings?: Readonly<Record<string, unknown>>
  /**
   * Updates values and state in place, on whichever store it is given.
   *
   * @throws ArgumentError if the store lacks one of the slots.
   */
  update(options: OptimizerUpdate): void
  /** There if the values that training moves are not those to evaluate and keep. */
  readonly evaluationWeights?: EvaluationWeights
}

/** Goes over from the values of training to those of evaluation, and back. */
export interface EvaluationWeights {
  enter(this: void, store: ParameterStore, names: readonly string[]): void
  leave(this: void, store: ParameterStore, names: readonly string[]): void
}

/** An optimizer's two forms; tests hold them equal. */
export interface OptimizerDefinition<Slot extends string> {
  readonly name: string
  readonly slots: readonly (Slot | { name: Slot; shape: Exclude<SlotSpec, string>['shape'] })[]
  readonly weightDecay: number
  readonly settings: Readonly<Record<string, unknown>>
  readonly evaluationWeights?: EvaluationWeights
  /** The rule over the tensors of one parameter, on any tfjs backend: returns the new value and state. */
  readonly rule: (
    state: Readonly<Record<'value' | 'gradient' | Slot, tf.Tensor>>,
    settings: StepSettings,
  ) => Record<'value' | Slot, tf.Tensor>
  /** The same as one pass over memory, in place. */
  readonly fused: (place: FusedPlace<Slot>, settings: StepSettings) => void
}

/** Where one parameter lies. */
export interface FusedPlace<Slot extends string> {
  readonly kernels: Kernels
  readonly memory: WebAssembly.Memory
  readonly name: string
  readonly shape: readonly number[]
  /** Byte offsets of its arrays. */
  readonly offsets: Readonly<Record<'value' | 'gradient' | Slot, number>>
  /** Elements of the value. */
  readonly length: number
}

/** Makes an optimizer of its two forms. */
export function defineOptimizer<Slot extends string>(definition: OptimizerDefinition<Slot>): Optimizer {
  const { rule, fused, ...described } = definition
  const { name, slots } = described
  const stateSlots = ['value', ...slots.map(slotName)]
  return {
    ...described,
    update({ store, names, gradientSlot = 'gradient', ...settings }) {
      checkSlots(`${name}.update`, store, [...stateSlots, gradientSlot])
      for (const parameter of names) {
        if (store.kind === 'memory') {
          const { memory, offsets, length } = store.block(parameter)
          const place = {
            kernels: kernelsOf(memory),
            memory,
            name: parameter,
            shape: store.shapes[parameter]!,
            offsets: { ...offsets, gradient: offsets[gradientSlot] },
            length,
          }
          // The slots were checked above.
          fused(place as unknown as FusedPlace<Slot>, settings)
          continue
        }
        const updated: Readonly<Record<string, tf.Tensor>> = tf.tidy(() => {
          const state: Record<string, tf.Tensor> = { gradient: store.tensor(parameter, gradientSlot) }
          for (const slot of stateSlots) state[slot] = store.tensor(parameter, slot)
          const next: Record<string, tf.Tensor> = rule(state as Parameters<typeof rule>[0], settings)
          // A rule may return more than this variant of it keeps.
          return Object.fromEntries(stateSlots.map((slot) => [slot, next[slot]!]))
        })
        for (const slot of stateSlots) store.replace(parameter, updated[slot]!, slot)
      }
    },
  }
}
