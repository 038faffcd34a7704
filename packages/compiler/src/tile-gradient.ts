import { type GradConfig, reshape, sum, type Tensor } from '@tensorflow/tfjs-core'

/**
 * The gradient of tf.tile, tf.broadcastTo and whatever broadcasts by them (tf.where): the sum over
 * the copies. That of tfjs adds up one slice for every copy, up to rank 4: a graph that grows with
 * the number of copies, and that differs from size to size.
 */
export const tileGradient: GradConfig = {
  kernelName: 'Tile',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attributes) => {
    const [x] = saved as [Tensor]
    const { reps } = attributes as unknown as { reps: number[] }
    const repeated = [...reps.keys()].filter((axis) => reps[axis] !== 1)
    const isBroadcast = repeated.every((axis) => x.shape[axis] === 1)
    const copies = x.shape.flatMap((size, axis) => [reps[axis]!, size])
    const gradient = () =>
      isBroadcast
        ? sum(dy as Tensor, repeated, true)
        : sum(
            reshape(dy as Tensor, copies),
            repeated.map((axis) => 2 * axis),
          )
    return { x: () => reshape(gradient(), x.shape) }
  },
}
