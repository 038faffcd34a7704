import { type Engine, getEngine, type ParameterStore, type Program } from '@tfx/backend'
import { ArgumentError, createRandom, mixSeed, sizeOf, throwIfAborted } from '@tfx/common'
import { initializeParameter, type ModelConfig, modelFamily, type ParameterSpecs, shapesOf } from '@tfx/core'
import {
  adamW,
  fit,
  type FitResult,
  fitSlots,
  linearSchedule,
  type Optimizer,
  progressReporter,
} from '@tfx/train'
import { rememberLearned } from '../learned'
import { pretrainCheckpoints } from './checkpoints'
import { type Objective, objectiveOf } from './objective'
import { type PretrainOptions, type ResolvedPretrainOptions, resolvePretrainOptions } from './options'
import { createPretrainedModel, type PretrainedModel } from './pretrained-model'

/**
 * Pretrains a model from random weights on text. What it learns follows from its kind:
 *
 * - an encoder: to fill in hidden words, masked as wholes (Devlin et al. 2018, arXiv:1810.04805), optionally beside the
 *   distillation of a teacher's sentence embeddings;
 * - an encoder-decoder: to write the spans that are missing (Raffel et al. 2019, arXiv:1910.10683), optionally beside
 *   `pairs` of inputs and targets;
 * - a decoder: the next token.
 *
 * @returns A model that can be saved as a base for {@link transfer}, or be one as it is, with its held-out
 *   perplexity.
 * @throws ArgumentError if the tokenizer and the configuration disagree, or there are no texts.
 * @throws CheckpointError if what `checkpoints` holds is damaged, or FileSystemError if it cannot be written.
 * @throws TrainingAbortedError if `signal` fires; {@link learnedSoFar} gives the model as it then is.
 *
 * @example
 * ```ts
 * const model = await pretrain({ config, tokenizer, texts, heldOut, steps: 1000 })
 * console.log(model.perplexity)
 * await model.save('./my-base')
 * ```
 */
export async function pretrain<Config extends ModelConfig>(
  options: PretrainOptions<Config>,
): Promise<PretrainedModel<Config>> {
  const settings = resolvePretrainOptions(options)
  throwIfAborted(settings.signal, 'pretrain')
  const { config, tokenizer } = options
  const objective = objectiveOf(settings)
  const specs: ParameterSpecs = {
    ...modelFamily(config.modelType as string).parameterShapes(config, objective.task),
    ...objective.companions,
  }
  const parts = { config, tokenizer, unsaved: Object.keys(objective.companions ?? {}) }
  const engine = await getEngine()
  const optimizer = settings.optimizer ?? adamW({ weightDecay: settings.weightDecay })
  const store = engine.createStore(shapesOf(specs), fitSlots({ optimizer }))
  let steps = 0
  try {
    fillStore(store, specs, settings)
    const result = await train(settings, { engine, store, optimizer, objective, onStep: () => steps++ })
    return createPretrainedModel({ ...parts, store, result })
  } catch (error) {
    if (steps > 0) {
      throw await rememberLearned(error, async () => createPretrainedModel({ ...parts, store }))
    }
    store.dispose()
    throw error
  }
}

interface Run {
  engine: Engine
  store: ParameterStore
  optimizer: Optimizer
  objective: Objective
  onStep: () => void
}

async function train(settings: ResolvedPretrainOptions, run: Run): Promise<FitResult> {
  const { steps, warmupRatio, learningRate, seed, signal, evaluateEvery } = settings
  const { store, optimizer, objective, onStep } = run
  const report = settings.onEvent ?? progressReporter()
  const program = await compile(run, true)
  try {
    const evaluation = await compile(run, false)
    try {
      return await fit({
        store,
        program,
        parameters: Object.keys(store.shapes),
        batches: (epoch) => objective.batches(epoch),
        maxSteps: steps,
        optimizer,
        learningRate,
        schedule: linearSchedule({ totalSteps: steps, warmupSteps: Math.round(steps * warmupRatio) }),
        seed,
        evaluate: () => measure(evaluation, objective.heldOut),
        evaluateEvery,
        checkpoints: pretrainCheckpoints(settings),
        signal,
        onEvent(event) {
          if (event.type === 'step') onStep()
          report(event)
        },
      })
    } finally {
      await evaluation.dispose()
    }
  } finally {
    await program.dispose()
  }
}

function compile({ engine, store, objective }: Run, training: boolean): Promise<Program> {
  return engine.compile(objective.step(training), {
    inputs: objective.inputs(training),
    parameters: store,
    ...(training && { gradients: { of: 'loss', withRespectTo: Object.keys(store.shapes) } }),
  })
}

/** The mean loss over all targets, and exp of it. */
async function measure(evaluation: Program, heldOut: Objective['heldOut']): Promise<Record<string, number>> {
  let [total, targets] = [0, 0]
  for (const { inputs, weight } of heldOut) {
    const { loss } = await evaluation.run(inputs)
    total += loss!.data[0]! * weight
    targets += weight
  }
  return { loss: total / targets, perplexity: Math.exp(total / targets) }
}

function fillStore(
  store: ParameterStore,
  specs: ParameterSpecs,
  { config, seed, initialValues }: ResolvedPretrainOptions,
): void {
  const random = createRandom(mixSeed(seed, 1))
  for (const [name, spec] of Object.entries(specs)) {
    const drawn = initializeParameter(spec, random, config.initializerRange)
    const given = initialValues?.(name, spec.shape)
    if (given && given.length !== sizeOf(spec.shape)) {
      throw new ArgumentError({
        function: 'pretrain',
        argument: `initialValues('${name}')`,
        expected: `${sizeOf(spec.shape)} numbers, for shape [${spec.shape.join(', ')}]`,
        received: String(given.length),
        remedy: 'Return an array of exactly this size, or undefined for random values.',
      })
    }
    store.write(name, given ?? drawn)
  }
}
