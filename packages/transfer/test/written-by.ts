import { getEngine } from '@tfx/backend'
import {
  createDecoderSteps,
  createSequenceSteps,
  generate,
  loadCheckpoint,
  modelFamily,
  type Task,
} from '@tfx/core'

/** Opens a saved model that writes, and continues prompts greedily with it. */
export async function writtenBy(
  directory: string,
  prompts: readonly (readonly number[])[],
  maxNewTokens: number,
): Promise<number[][]> {
  const checkpoint = await loadCheckpoint(directory)
  const { config, kind, generation } = checkpoint
  const task: Task = kind === 'decoder' ? 'causal-language-modelling' : 'sequence-to-sequence'
  const engine = await getEngine()
  const specs = modelFamily(config.modelType as string).parameterShapes(config, task)
  const store = engine.createStore(
    Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape])),
  )
  await checkpoint.loadParameters(task as never, { write: (name, values) => store.write(name, values) })
  const model =
    kind === 'decoder'
      ? createDecoderSteps(engine, { config: config, store })
      : createSequenceSteps(engine, { config: config as never, store })
  const written = await generate(model, prompts, { ...generation, maxNewTokens })
  await model.dispose()
  store.dispose()
  return written.map(([best]) => [...best!.tokens])
}
