import type { LanguageModel } from './language-model'
import type { WritingModelConfig } from './writing-head'

/** What the model of every task that writes has, beside what the task makes of it. All of it can go to another thread. */
export type ModelBasics<Config extends WritingModelConfig = WritingModelConfig> = Pick<
  LanguageModel<never, never, Config>,
  | 'config'
  | 'generation'
  | 'maxLength'
  | 'settings'
  | 'notes'
  | 'training'
  | 'save'
  | 'saveAdapter'
  | 'dispose'
>

/** The {@link ModelBasics} of a language model. */
export function modelBasics<Config extends WritingModelConfig>(
  model: ModelBasics<Config>,
): ModelBasics<Config> {
  const { config, generation, maxLength, settings, notes, training } = model
  return {
    config,
    generation,
    maxLength,
    settings,
    notes,
    ...(training && { training }),
    save: (directory, options) => model.save(directory, options),
    saveAdapter: (directory, options) => model.saveAdapter(directory, options),
    dispose: () => model.dispose(),
  }
}
