import { createHash } from 'node:crypto'
import type { CheckpointSettings } from '@tfx/train'
import type { ResolvedPretrainOptions } from './options'

/** Where to save the run, and what must be the same for it to go on as if it had not been cut: settings, network and texts. */
export function pretrainCheckpoints(settings: ResolvedPretrainOptions): CheckpointSettings | undefined {
  const { checkpoints, config, tokenizer, texts, heldOut, pairs, distillation } = settings
  if (checkpoints === undefined) return undefined
  const given = typeof checkpoints === 'string' ? { directory: checkpoints } : checkpoints
  const numbers = Object.entries(settings).filter(([, value]) => typeof value === 'number')
  const vocabulary = [...tokenizer.vocabulary()]
  const teacher = distillation && { ...distillation, embeddings: hashOf([distillation.embeddings]) }
  const identity = {
    ...Object.fromEntries(numbers),
    config: hashOf([JSON.stringify(config)]),
    data: hashOf([vocabulary, texts, heldOut, pairs].map((part) => JSON.stringify(part))),
    ...(teacher && { distillation: JSON.stringify(teacher) }),
  }
  return { ...given, identity }
}

function hashOf(parts: readonly (string | Float32Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
