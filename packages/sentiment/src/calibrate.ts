import { type EncoderConfig, modelFamily } from '@tfx/core'
import type { LabelledExample } from '@tfx/data'
import { encodeLabels } from '@tfx/data'
import { expectedCalibrationError } from '@tfx/metrics'
import type { TrainedWeights } from '@tfx/transfer'
import { softmax } from './answer'
import { bestTemperature, type JudgedLogits } from './temperature'

/**
 * Divides the weights of the classifier's last layer, and so all logits, by the temperature that is best for the validation
 * examples. Every program that reads the model then gives calibrated scores; its answers stay the same.
 *
 * @returns A note on what it was good for.
 */
export async function calibrate(trained: TrainedWeights<LabelledExample>): Promise<string> {
  const judged = await validationLogits(trained)
  const temperature = bestTemperature(judged)
  const count = judged.references.length
  const before = calibrationError(judged)
  if (temperature === undefined) {
    return (
      `Scores are not calibrated: of the ${count} validation examples all were answered right, or no better than by ` +
      `chance, so that no temperature is best. Expected calibration error ${before.toFixed(3)}.`
    )
  }
  const layer = modelFamily(trained.config.modelType).classifierLayer
  for (const name of [`${layer}.weight`, `${layer}.bias`]) {
    const values = await trained.read(name)
    trained.write(
      name,
      values.map((value) => value / temperature),
    )
  }
  const after = calibrationError({ ...judged, logits: judged.logits.map((logit) => logit / temperature) })
  return (
    `Scores are calibrated by the temperature ${temperature.toFixed(3)}: on the ${count} validation examples the ` +
    `expected calibration error went from ${before.toFixed(3)} to ${after.toFixed(3)}.`
  )
}

async function validationLogits({ config, outputs }: TrainedWeights<LabelledExample>): Promise<JudgedLogits> {
  const logits: number[] = []
  const references: number[] = []
  for await (const batch of outputs('validation')) {
    for (const logit of batch.outputs.logits!.data as Float32Array) logits.push(logit)
    references.push(...classesOf(batch.examples, config))
  }
  return { logits: Float32Array.from(logits), references }
}

function calibrationError({ logits, references }: JudgedLogits): number {
  const classes = logits.length / references.length
  const probabilities = references.map((_, example) =>
    softmax(logits.subarray(example * classes, (example + 1) * classes)),
  )
  return expectedCalibrationError(references, probabilities)
}

/** The class index of each example. */
export function classesOf(examples: readonly LabelledExample[], { labels }: EncoderConfig): number[] {
  return encodeLabels(
    examples.map(({ label }) => label),
    labels,
  )
}
