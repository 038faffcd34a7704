import { transfer } from '@tfx/sentiment'
import { readReviews } from './reviews.js'

const { train, validation } = readReviews()

/** The settings that a point of the space stands for. */
export const settingsOf = (parameters) => ({
  epochs: 3,
  truncation: true,
  progress: false,
  ...parameters,
  // Rates suit their optimizer: Lion's are a tenth of AdamW's.
  learningRate: parameters.learningRate * (parameters.optimizer === 'lion' ? 0.1 : 1),
})

/** The best accuracy on the validation sentences; each epoch is reported, and a trial that is pruned stops there. */
export async function objective(parameters, trial) {
  let best = 0
  const model = await transfer(
    '@tfx/base-encoder',
    { train, validation },
    {
      ...settingsOf(parameters),
      signal: trial.signal,
      onEvent(event) {
        if (event.type !== 'evaluate') return
        best = Math.max(best, event.metrics.accuracy)
        void trial.report(event.epoch, event.metrics.accuracy)
      },
    },
  )
  await model.dispose()
  return best
}
