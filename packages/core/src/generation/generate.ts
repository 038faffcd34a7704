import { throwIfAborted } from '@tfx/common'
import { searchBeams } from './beam-search'
import { checkSingle, resolveGeneration, wrong } from './check-generation'
import { searchConstrained } from './constrained-search'
import { searchContrastively } from './contrastive-search'
import { generationDefaults, type GenerationConfig } from './generation-config'
import type { GenerationRun, PreparedPrompt } from './generation-run'
import { buildProcessors } from './processors/build'
import type { LogitsProcessor } from './processors/processor'
import type { PromptCache } from './prompt-cache'
import { sampleTokens, type GeneratedSequence, type WrittenToken } from './sampling'
import type { PromptBatch, StepModel } from './step-model'
import { buildStopping } from './stopping'

/** Undefined means the default. */
type Settings = { readonly [Field in keyof GenerationConfig]?: GenerationConfig[Field] | undefined }

/** Options of {@link generate}: Hugging Face's settings, and how to run. */
export interface GenerateOptions extends Settings {
  /** Decides every draw. Default 42. */
  readonly seed?: number
  readonly signal?: AbortSignal
  /** The text of some tokens; stop strings are looked for in it. */
  readonly decode?: (tokens: number[]) => string
  /** Applied to the scores of each step behind the built-in processors. */
  readonly logitsProcessors?: readonly LogitsProcessor[]
  /** Called with each token as it is written; not by beam and contrastive search, which may take tokens back. */
  readonly onToken?: (written: WrittenToken) => void
  /**
   * Keeps the text's keys and values, and those of earlier texts that the prompt begins as are not computed again:
   * {@link createPromptCache}. Of one prompt of a decoder, and one sequence. Default: none.
   */
  readonly cache?: PromptCache | undefined
  /**
   * Whether steps may be computed together with those of other texts that the model writes so at the same time. Of one prompt,
   * and one sequence. The tokens are those that it writes alone, as with prompts of one call. Default false.
   */
  readonly shared?: boolean | undefined
  /** Told when the prompts were read. */
  readonly onPrompt?: (read: ReadPrompt) => void
}

/** Prompts that were read. */
export interface ReadPrompt {
  /** Tokens of the prompts, without padding. */
  readonly tokens: number
  /** How many of them were known from the `cache`. */
  readonly knownTokens: number
}

/**
 * Continues prompts: greedily, by sampling (`doSample`), beam search (`numBeams`), diverse beam search
 * (`numBeamGroups`), beam search for sequences with given words (`forceWordsIds`) or contrastive search (`penaltyAlpha`),
 * token for token as `generate` of Hugging Face transformers.
 *
 * @param prompts Token ids; of different lengths as they are, without padding.
 * @returns For each prompt its `numReturnSequences` continuations.
 * @throws ArgumentError if settings contradict each other, the model or the prompts; AbortError on `signal`.
 *
 * @example
 * ```ts
 * const [[best]] = await generate(model, [[5, 8, 13]], { numBeams: 4, maxNewTokens: 20 })
 * console.log(best.tokens, best.score)
 * ```
 */
export async function generate(
  model: StepModel,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions = {},
): Promise<GeneratedSequence[][]> {
  const prepared = prepare(model, prompts, options)
  return withSession(prepared, async (run) => {
    const { numBeams, penaltyAlpha = 0, forceWordsIds = [] } = run.config
    if (forceWordsIds.length > 0) return searchConstrained(run)
    if (numBeams > 1) return searchBeams(run)
    if (penaltyAlpha > 0) return searchContrastively(run)
    const written = sampleTokens(run)
    for (;;) {
      const step = await written.next()
      if (step.done) return step.value
      options.onToken?.(step.value)
    }
  })
}

/**
 * Continues one prompt and gives each token as soon as it is written; ending the loop ends the writing.
 *
 * @throws ArgumentError as {@link generate}, and if the method may take tokens back (beams, contrastive search).
 *
 * @example
 * ```ts
 * for await (const token of streamTokens(model, prompt, { doSample: true, maxNewTokens: 50 })) print(token)
 * ```
 */
export async function* streamTokens(
  model: StepModel,
  prompt: readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<number, void> {
  const { numBeams = 1, penaltyAlpha = 0, numReturnSequences = 1 } = options
  const prepared = prepare(model, [prompt], options)
  if (numBeams > 1 || penaltyAlpha > 0 || numReturnSequences > 1) {
    throw wrong('numBeams', 'one sequence by greedy search or sampling while streaming', 'another method')
  }
  const { run, dispose } = await start(prepared)
  try {
    for await (const { token } of sampleTokens(run)) yield token
  } finally {
    await dispose()
  }
}

/**
 * As {@link streamTokens}, in pieces of text. Together they are the text of all tokens; a character whose bytes are
 * not all there yet waits for the rest.
 */
export async function* streamText(
  model: StepModel,
  prompt: readonly number[],
  options: GenerateOptions & { readonly decode: (tokens: number[]) => string },
): AsyncGenerator<string, void> {
  const tokens: number[] = []
  let shown = 0
  for await (const token of streamTokens(model, prompt, options)) {
    tokens.push(token)
    const text = options.decode(tokens)
    // An unfinished character decodes to U+FFFD.
    if (text.endsWith('\uFFFD') || text.length <= shown) continue
    yield text.slice(shown)
    shown = text.length
  }
  const rest = options.decode(tokens).slice(shown)
  if (rest !== '') yield rest
}

interface Prepared {
  readonly model: StepModel
  readonly batch: PromptBatch
  readonly hiddenStates: boolean
  readonly cache: PromptCache | undefined
  readonly shared: boolean | undefined
  readonly onPrompt: ((read: ReadPrompt) => void) | undefined
  readonly run: Omit<GenerationRun, 'session'>
}

/** Everything that can be refused is, before the model computes anything. */
function prepare(
  model: StepModel,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Prepared {
  const { seed = 42, signal, decode, logitsProcessors = [], cache, shared, onPrompt, ...others } = options
  const { onToken: _, ...given } = others
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (!Number.isFinite(seed)) throw wrong('seed', 'a number', String(seed))
  const resolved = resolveGeneration(model, prompts, { ...generationDefaults, ...settings })
  const { config, promptLength, maxLength } = resolved
  if (cache ?? shared)
    checkSingle(model, { option: cache ? 'cache' : 'shared', prompts: prompts.length, config })
  const checkAbort = () => {
    throwIfAborted(signal, 'generate')
  }
  checkAbort()
  const { batch, prepared } = padPrompts(model, prompts, config)
  const processors = buildProcessors(config, {
    promptLength,
    maxLength,
    inputs: rowsOf(batch),
    extra: logitsProcessors,
  })
  const run = {
    ...resolved,
    model,
    prompts: prepared,
    processors,
    stopping: buildStopping(resolved, decode),
    seed,
    checkAbort,
  }
  return { model, batch, hiddenStates: (config.penaltyAlpha ?? 0) > 0, cache, shared, onPrompt, run }
}

async function start({ model, batch, hiddenStates, cache, shared, onPrompt, run }: Prepared) {
  const { numBeams, numReturnSequences, topK } = run.config
  const perPrompt = hiddenStates ? topK : Math.max(numBeams, numReturnSequences)
  const plan = { maxLength: run.maxLength, maxRows: batch.rows * perPrompt, hiddenStates, cache, shared }
  const session = await model.start(batch, plan)
  try {
    const tokens = batch.attentionMask.reduce((sum, one) => sum + one, 0)
    onPrompt?.({ tokens, knownTokens: session.knownTokens ?? 0 })
  } catch (error) {
    await session.dispose()
    throw error
  }
  return { run: { ...run, session }, dispose: () => session.dispose() }
}

async function withSession<T>(prepared: Prepared, use: (run: GenerationRun) => Promise<T>): Promise<T> {
  const { run, dispose } = await start(prepared)
  try {
    return await use(run)
  } finally {
    await dispose()
  }
}

/** Decoders read padding in front of their prompts, encoders behind them. */
function padPrompts(
  { isEncoderDecoder }: StepModel,
  prompts: readonly (readonly number[])[],
  { padTokenId, eosTokenIds, bosTokenId = 0, decoderStartTokenId = bosTokenId }: GenerationConfig,
): { batch: PromptBatch; prepared: PreparedPrompt[] } {
  const rows = prompts.length
  const length = Math.max(...prompts.map((prompt) => prompt.length))
  const inputIds = new Int32Array(rows * length).fill(padTokenId ?? eosTokenIds[0] ?? 0)
  const attentionMask = new Int32Array(rows * length)
  prompts.forEach((prompt, row) => {
    const start = row * length + (isEncoderDecoder ? 0 : length - prompt.length)
    inputIds.set(prompt, start)
    attentionMask.fill(1, start, start + prompt.length)
  })
  const batch = { rows, length, inputIds, attentionMask }
  if (!isEncoderDecoder) {
    const prepared = rowsOf(batch).map((ids, row) => ({ ids, padding: length - prompts[row]!.length }))
    return { batch, prepared }
  }
  const decoderInputIds = new Int32Array(rows).fill(decoderStartTokenId)
  const prepared = prompts.map(() => ({ ids: Int32Array.of(decoderStartTokenId), padding: 0 }))
  return { batch: { ...batch, decoderInputIds }, prepared }
}

const rowsOf = ({ rows, length, inputIds }: Pick<PromptBatch, 'rows' | 'length' | 'inputIds'>) =>
  Array.from({ length: rows }, (_, row) => inputIds.subarray(row * length, (row + 1) * length))
