import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import { openSafetensors } from '../safetensors'
import { openTorchFile } from '../torch-file'
import type { WeightsReader } from '../weights'

/** The names that weights have in a directory of Hugging Face, the best first. */
const formats = [
  ['model.safetensors', openSafetensors],
  ['model.safetensors.index.json', openSafetensors],
  ['pytorch_model.bin', openTorchFile],
  ['pytorch_model.bin.index.json', openTorchFile],
] as const

/**
 * Finds the weights of a directory.
 *
 * @returns Opens them.
 * @throws CheckpointError if there are none.
 */
export async function findWeights(directory: string): Promise<() => Promise<WeightsReader>> {
  for (const [name, open] of formats) {
    const file = join(directory, name)
    if (await exists(file)) return () => open(file)
  }
  throw new CheckpointError({
    function: 'loadCheckpoint',
    argument: directory,
    expected: 'a directory with model.safetensors or pytorch_model.bin',
    received: 'one without weights',
    remedy: 'Save or download the weights too.',
  })
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
