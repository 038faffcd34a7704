import { CheckpointError } from '@tfx/common'
import type { ModelConfig } from '../config/model-config'
import type { ModelFamily } from '../models'
import type { WeightsReader } from '../weights'

/** A checkpoint, and which of its tensors are parameters. */
interface UnreadSource {
  readonly family: ModelFamily
  readonly config: ModelConfig
  /** Parameter → name of the tensor in the checkpoint. */
  readonly stored: ReadonlyMap<string, string>
  /** The word embeddings: the first parameter of every model. */
  readonly words: string
  readonly source: string
}

/** What rounding to bfloat16 changes a sine by at most; and to float16, which a file of float32 may have been through. */
const tableTolerance = (dtype: string) => (dtype === 'F32' ? 3e-4 : 2e-3)

/**
 * Checks that tensors which are not read say what is computed in their place.
 *
 * @throws CheckpointError if a copy of the word embeddings differs from them (one that does is an output layer, or a
 *   table, of its own, whatever config.json says), or a table of sinusoidal positions is another (transformers 5 trains
 *   those of a loaded Marian or Pegasus).
 */
export async function checkUnread(weights: WeightsReader, source: UnreadSource): Promise<void> {
  await checkCopies(weights, source)
  const { family, config } = source
  for (const [name, { shape, valueAt }] of Object.entries(family.computedTables?.(config) ?? {})) {
    const stored = storedName(weights, family, name)
    if (stored === undefined) continue
    const { shape: given, dtype } = weights.tensors.get(stored)!
    const [rows = 0, size = 0] = given
    const values = await weights.read(stored)
    const isNear = (value: number, index: number) =>
      Math.abs(value - valueAt(Math.floor(index / size), index % size)) <= tableTolerance(dtype)
    if (size === shape[1] && values.length === rows * size && values.every(isNear)) continue
    throw new CheckpointError({
      function: 'loadParameters',
      argument: source.source,
      expected: `a checkpoint whose '${stored}' has sinusoidal positions`,
      received: 'one where they were trained, or are others',
      remedy:
        'tfx computes them: choose a checkpoint with those of its family, or train without changing them.',
    })
  }
}

async function checkCopies(
  weights: WeightsReader,
  { family, stored, words, source }: UnreadSource,
): Promise<void> {
  const name = stored.get(words)
  const original = name === undefined ? undefined : weights.tensors.get(name)
  for (const copy of family.tiedCopies) {
    const other = storedName(weights, family, copy)
    if (!original || other === undefined || stored.get(copy) !== undefined) continue
    if (String(original.shape) !== String(weights.tensors.get(other)!.shape)) continue
    const [a, b] = [await weights.read(name!), await weights.read(other)]
    if (a.every((value, index) => value === b[index])) continue
    const isHead = copy.startsWith('lm_head')
    throw new CheckpointError({
      function: 'loadParameters',
      argument: source,
      expected: `a checkpoint whose '${other}' equals '${name}'${isHead ? ', since config.json ties them' : ''}`,
      received: 'one where they differ',
      remedy: isHead
        ? 'Set tie_word_embeddings to false in config.json; for T5 of transformers 5 also scale_decoder_outputs.'
        : 'In tfx encoder and decoder share one table of words: choose a checkpoint that does.',
    })
  }
}

/** A tensor by its name, or by that without the backbone's prefix, as a backbone saved alone has it. */
function storedName(weights: WeightsReader, { backbonePrefix }: ModelFamily, name: string) {
  const short = name.startsWith(backbonePrefix) ? name.slice(backbonePrefix.length) : name
  return [name, short].find((candidate) => weights.tensors.has(candidate))
}
