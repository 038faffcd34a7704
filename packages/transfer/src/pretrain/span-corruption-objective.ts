import { ArgumentError, createRandom, mixSeed, type Random } from '@tfx/common'
import type { SequenceToSequenceConfig, Tokenizer } from '@tfx/core'
import { batches } from '@tfx/data'
import type { TrainingBatch } from '@tfx/train'
import type { Objective } from './objective'
import { endOfText, type PretrainPair, type ResolvedPretrainOptions } from './options'
import { encodeWhole, packBlocks } from './packing'
import { corruptionBudget, corruptSpans } from './span-corruption'
import { writingBatch, type WritingExample, writingObjective } from './writing-objective'

/** Packed text with hidden spans to be written, mixed with inputs whose targets are given. */
export function spanCorruptionObjective(
  settings: ResolvedPretrainOptions<SequenceToSequenceConfig>,
): Objective {
  const { config, tokenizer, batchSize, maxLength, maskRate, meanSpanLength, seed } = settings
  const end = endOfText(config)
  const corruption = { rate: maskRate, meanSpanLength, end }
  const sentinels = sentinelsOf(tokenizer, corruptionBudget(maxLength, corruption).spans)
  const texts = encodeWhole(settings, 'texts', { tokenizer, end })
  const pairs = encodePairs(settings)

  function* corruptedBlocks(sequences: Iterable<Int32Array>, random: Random): Generator<WritingExample> {
    for (const block of packBlocks(sequences, maxLength)) {
      const ids = block.at(-1) === end ? block.subarray(0, -1) : block
      // Of a single token nothing would be left to see.
      if (ids.length > 1) yield corruptSpans(ids, { ...corruption, sentinels, random })
    }
  }
  function* batchesOf(
    examples: readonly WritingExample[],
    order: { seed: number; epoch: number },
  ): Generator<TrainingBatch> {
    const lengthOf = ({ inputIds }: WritingExample) => inputIds.length
    for (const indices of batches(examples, { ...order, batchSize, lengthOf })) {
      const chosen = indices.map((index) => examples[index]!)
      yield writingBatch(chosen, { padTokenId: tokenizer.padTokenId, isDecoder: false })
    }
  }
  const heldOut = [...corruptedBlocks(encodeWhole(settings, 'heldOut', { tokenizer, end }), createRandom(0))]
  return {
    ...writingObjective(config),
    batches(epoch) {
      const random = createRandom(mixSeed(seed, epoch))
      const corrupted = [...corruptedBlocks(random.shuffle(texts), random)]
      return batchesOf([...corrupted, ...pairs], { seed, epoch })
    },
    heldOut: [...batchesOf(heldOut, { seed: 0, epoch: 0 })],
  }
}

function encodePairs({
  pairs,
  tokenizer,
  maxLength,
}: {
  pairs: readonly PretrainPair[]
  tokenizer: Tokenizer
  maxLength: number
}): WritingExample[] {
  const encode = (text: string) => tokenizer.encode(text, undefined, { maxLength }).inputIds
  return pairs.map(({ input, target }) => ({ inputIds: encode(input), labels: encode(target) }))
}

/** The ids of `<extra_id_0>`, `<extra_id_1>`, … @throws ArgumentError if there are too few. */
function sentinelsOf(tokenizer: Tokenizer, needed: number): number[] {
  const vocabulary = tokenizer.vocabulary()
  const sentinels: number[] = []
  for (let id; (id = vocabulary.get(`<extra_id_${sentinels.length}>`)) !== undefined;) sentinels.push(id)
  if (sentinels.length >= needed) return sentinels
  throw new ArgumentError({
    function: 'pretrain',
    argument: 'tokenizer',
    expected: `one with the tokens <extra_id_0> to <extra_id_${needed - 1}>, for the spans that are hidden`,
    received: sentinels.length === 0 ? 'one without' : `one with ${sentinels.length} of them`,
    remedy: "Use T5's tokenizer, add such tokens to yours, or lower maskRate or maxLength.",
  })
}
