import type { SequenceToSequenceConfig } from '@tfx/core'

type Tasks = Readonly<Record<string, { readonly prefix?: unknown } | undefined>>

/**
 * What is put in front of every document: what config.json says, as T5's does (`task_specific_params`) and some BARTs do
 * (`prefix`); else `summarize: ` for a T5, as Raffel et al. 2020 trained it, and nothing for others.
 */
export function prefixOf(config: SequenceToSequenceConfig): string {
  const { task_specific_params: tasks, prefix } = config.source
  const given = (tasks as Tasks | null | undefined)?.summarization?.prefix ?? prefix
  if (typeof given === 'string') return given
  return config.modelType === 't5' ? 'summarize: ' : ''
}

/** The configuration with the prefix written where transformers and Transformers.js look for it, and nowhere else. */
export function withPrefix(config: SequenceToSequenceConfig, prefix: string): SequenceToSequenceConfig {
  const { prefix: _, task_specific_params: tasks, ...source } = config.source
  return {
    ...config,
    source: {
      ...source,
      task_specific_params: { ...(tasks as Tasks | null | undefined), summarization: { prefix } },
    },
  }
}
