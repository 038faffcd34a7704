import { ArgumentError } from '@tfx/common'

/** Low-rank adaptation of linear layers. */
export interface LoraAdapter {
  readonly method: 'lora'
  /** The rank of the update. */
  readonly rank: number
  /** The update counts alpha / rank, or alpha / √rank if rank-stabilized. */
  readonly alpha: number
  /** rsLoRA (Kalajdzievski, https://arxiv.org/abs/2312.03732). */
  readonly rankStabilized: boolean
  /** DoRA: the length of each row of the weight is learned apart (Liu et al., https://arxiv.org/abs/2402.09353). */
  readonly decomposed: boolean
  /** Names of the layers, or their ends: `query` is `bert.encoder.layer.0.attention.self.query`. Default: the architecture's. */
  readonly targets: readonly string[] | undefined
}

/** Learned factors on inputs or outputs of linear layers. */
export interface Ia3Adapter {
  readonly method: 'ia3'
  /** Layers whose outputs are scaled, and those whose inputs are. Default: the architecture's. */
  readonly targets: readonly string[] | undefined
  /** Those among the targets whose inputs are scaled. */
  readonly feedForwardTargets: readonly string[] | undefined
}

/** Training of the biases alone. */
export interface BitFitAdapter {
  readonly method: 'bitfit'
}

/** Learned embeddings in front of every text, as if they were those of words. */
export interface PromptAdapter {
  readonly method: 'prompt'
  /** How many of them. */
  readonly virtualTokens: number
  /** What they start as: the words of this text, repeated or cut. Default: at random. */
  readonly text: string | undefined
}

/** A way to fine-tune a model by few parameters. */
export type Adapter = LoraAdapter | Ia3Adapter | BitFitAdapter | PromptAdapter

/** Options of {@link lora}. */
export interface LoraOptions {
  /** Default 8. */
  rank?: number
  /** Default 8. */
  alpha?: number
  /** Default false. */
  rankStabilized?: boolean
  /** Default false. */
  decomposed?: boolean
  /** Default: what PEFT chooses for the architecture, the query and value projections mostly. */
  targets?: readonly string[]
}

/**
 * LoRA: a frozen weight W learns an update of low rank, W + s · B A (Hu et al., https://arxiv.org/abs/2106.09685), with
 * the defaults of PEFT.
 *
 * @throws ArgumentError on a rank that is no whole number above 0, or an alpha that is not above 0.
 *
 * @example
 * ```ts
 * const model = await transfer(base, dataset, { adapter: lora({ rank: 16, alpha: 32 }) })
 * ```
 */
export function lora({
  rank = 8,
  alpha = 8,
  rankStabilized = false,
  decomposed = false,
  targets,
}: LoraOptions = {}): LoraAdapter {
  if (!Number.isInteger(rank) || rank < 1)
    throw invalid('rank', { function: 'lora', expected: 'a whole number above 0', received: rank })
  if (!(alpha > 0 && alpha < Infinity))
    throw invalid('alpha', { function: 'lora', expected: 'a number above 0', received: alpha })
  return { method: 'lora', rank, alpha, rankStabilized, decomposed, targets }
}

/**
 * IA³: keys, values and the inner activations of feed-forward layers are multiplied by learned factors (Liu et al.,
 * https://arxiv.org/abs/2205.05638), with the targets of PEFT.
 *
 * @example
 * ```ts
 * const model = await transfer(base, dataset, { adapter: ia3(), learningRate: 3e-3 })
 * ```
 */
export function ia3({
  targets,
  feedForwardTargets,
}: { targets?: readonly string[]; feedForwardTargets?: readonly string[] } = {}): Ia3Adapter {
  return { method: 'ia3', targets, feedForwardTargets }
}

/**
 * BitFit: only biases learn (Ben Zaken et al., https://arxiv.org/abs/2106.10199).
 *
 * @example
 * ```ts
 * const model = await transfer(base, dataset, { adapter: bitFit(), learningRate: 1e-3 })
 * ```
 */
export function bitFit(): BitFitAdapter {
  return { method: 'bitfit' }
}

/**
 * Prompt tuning: the model stays as it is, and learns what to read in front of every text (Lester et al.,
 * https://arxiv.org/abs/2104.08691). It cannot be merged into weights, and wants high rates: 0.01 to 0.3.
 *
 * @param options `virtualTokens`: how many embeddings, each takes the place of one token; default 20. `text`: they start as
 *   its words, repeated or cut; default at random.
 * @throws ArgumentError on a number of tokens that is no whole number above 0.
 *
 * @example
 * ```ts
 * const model = await transfer(base, dataset, { adapter: promptTuning({ virtualTokens: 8 }), learningRate: 0.03 })
 * ```
 */
export function promptTuning({
  virtualTokens = 20,
  text,
}: { virtualTokens?: number; text?: string } = {}): PromptAdapter {
  if (Number.isInteger(virtualTokens) && virtualTokens >= 1) return { method: 'prompt', virtualTokens, text }
  throw invalid('virtualTokens', {
    function: 'promptTuning',
    expected: 'a whole number above 0',
    received: virtualTokens,
  })
}

/** What the update of a LoRA adapter is multiplied by. */
export function loraScaling({ rank, alpha, rankStabilized }: LoraAdapter): number {
  return alpha / (rankStabilized ? Math.sqrt(rank) : rank)
}

const invalid = (
  argument: string,
  { received, ...details }: { function: string; expected: string; received: number },
) =>
  new ArgumentError({
    ...details,
    argument,
    received: String(received),
    remedy: 'Leave it out to get the usual value.',
  })
