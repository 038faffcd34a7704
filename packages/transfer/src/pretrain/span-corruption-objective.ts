import { softmaxCrossEntropy, type StepFunction } from '@tfx/backend'
import { ArgumentError, createRandom, mixSeed, type Random } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { modelFamily, type SequenceToSequenceConfig, type Tokenizer } from '@tfx/core'
import { batches, collate, padRows } from '@tfx/data'
import type { TrainingBatch } from '@tfx/train'
import type { Objective } from './objective'
import { endOfText, type ResolvedPretrainOptions, requireSomeText } from './options'
import { encodeWhole, packBlocks } from './packing'
import { corruptionBudget, type CorruptedText, corruptSpans } from './span-corruption'

/** Packed text with hidden spans to be written, mixed with inputs whose targets are given. */
export function spanCorruptionObjective(
  settings: ResolvedPretrainOptions<SequenceToSequenceConfig>,
): Objective {
  const { config, tokenizer, texts, heldOut, pairs, batchSize, maxLength, maskRate, meanSpanLength, seed } =
    settings
  const end = endOfText(config)
  const encodings = requireSomeText(encodeWhole(texts, { tokenizer, end }), 'texts')
  const heldOutEncodings = requireSomeText(encodeWhole(heldOut, { tokenizer, end }), 'heldOut')
  const corruption = { rate: maskRate, meanSpanLength, end }
  const sentinels = sentinelsOf(tokenizer, corruptionBudget(maxLength, corruption).spans)
  const encode = (side: readonly string[]) =>
    tokenizer.encodeBatch(side, { maxLength }).map(({ inputIds }) => inputIds)
  const targets = encode(pairs.map(({ target }) => target))
  const given = encode(pairs.map(({ input }) => input)).map((inputIds, pair) => ({
    inputIds,
    labels: targets[pair]!,
  }))
  const batchesOf = function* (sequences: Iterable<Int32Array>, added: readonly CorruptedText[], run: Run) {
    const examples = [...corruptedBlocks(sequences, run.random), ...added]
    const lengthOf = ({ inputIds }: CorruptedText) => inputIds.length
    for (const indices of batches(examples, { ...run, batchSize, lengthOf }))
      yield sequenceBatch(
        indices.map((index) => examples[index]!),
        tokenizer.padTokenId,
      )
  }
  function* corruptedBlocks(sequences: Iterable<Int32Array>, random: Random): Generator<CorruptedText> {
    for (const block of packBlocks(sequences, maxLength)) {
      const ids = block.at(-1) === end ? block.subarray(0, -1) : block
      // Of a single token nothing would be left to see.
      if (ids.length > 1) yield corruptSpans(ids, { ...corruption, sentinels, random })
    }
  }
  const source = { shape: ['batch', 'source'], dtype: 'int32' } as const
  return {
    task: 'sequence-to-sequence',
    inputs: () => ({
      inputIds: source,
      attentionMask: source,
      labels: { shape: ['batch', 'target'], dtype: 'int32' },
    }),
    step: (training) => sequenceStep(config, training),
    batches(epoch) {
      const random = createRandom(mixSeed(seed, epoch))
      return batchesOf(random.shuffle(encodings), given, { random, seed, epoch })
    },
    heldOut: [...batchesOf(heldOutEncodings, [], { random: createRandom(0), seed: 0, epoch: 0 })],
  }
}

interface Run {
  readonly random: Random
  readonly seed: number
  readonly epoch: number
}

/** A batch of inputs with what is to be written for them. */
export function sequenceBatch(examples: readonly CorruptedText[], padTokenId: number): TrainingBatch {
  const { inputIds, attentionMask, lengths } = collate(examples, { padTokenId })
  const labels = padRows(
    examples.map((example) => example.labels),
    { fill: -100 },
  )
  const targets = examples.reduce((sum, example) => sum + example.labels.length, 0)
  return {
    inputs: { inputIds, attentionMask, labels },
    examples: examples.length,
    tokens: lengths.reduce((sum, length) => sum + length, targets),
    weight: targets,
  }
}

function sequenceStep(config: SequenceToSequenceConfig, training: boolean): StepFunction {
  const family = modelFamily(config.modelType)
  const run = { config, training }
  return ({ inputs, parameters }) => {
    const { inputIds, attentionMask, labels } = inputs as Record<
      'inputIds' | 'attentionMask' | 'labels',
      tf.Tensor
    >
    const encoderHidden = family.encoder(parameters, { inputIds, attentionMask }, run)
    const decoderInputs = {
      inputIds: family.decoderInputs(labels, config),
      encoderAttentionMask: attentionMask,
      cross: family.crossKeyValues(parameters, encoderHidden, run),
    }
    const { hidden } = family.decoder(parameters, decoderInputs, run)
    const scores = family.languageModelHead(parameters, tf.reshape(hidden, [-1, config.hiddenSize]), run)
    return { loss: softmaxCrossEntropy(scores, tf.reshape(labels, [-1])) }
  }
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
