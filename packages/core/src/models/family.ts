import type { ParameterSpecs } from '../blocks/parameters'

/** A table that is computed, not stored. */
export interface ComputedTable {
  readonly shape: readonly [rows: number, columns: number]
  readonly valueAt: (row: number, column: number) => number
}

/** What every architecture has, whatever its kind. `C` is its configuration, `T` the tasks that it has heads for. */
export interface Family<C extends { readonly modelType: string }, T extends string> {
  /** The `model_type` of config.json. */
  readonly modelType: C['modelType']
  /** What the names of backbone parameters start with in a task checkpoint, for instance `bert.`. */
  readonly backbonePrefix: string
  /** Other names that parameters have in some checkpoints → the name here. */
  readonly aliases: Readonly<Record<string, string>>
  /** Tensors that some checkpoints have as copies of tied weights. */
  readonly tiedCopies: readonly string[]
  /** Tensors that checkpoints of transformers have of what is computed here. Default: none. */
  computedTables?(config: C): Readonly<Record<string, ComputedTable>>
  /** Hugging Face class of each task, as in `architectures` of config.json. */
  readonly architectures: Readonly<Record<T, string>>
  /**
   * Reads the family's own fields of a config.json.
   *
   * @throws CheckpointError if a field is missing or of a kind that is not supported.
   */
  parseConfig(json: Readonly<Record<string, unknown>>): C
  /** The family's own fields of config.json. */
  formatConfig(config: C): Record<string, unknown>
  /** The longest input in tokens, special tokens included. */
  maxLength(config: C): number
  /** Every parameter of the model with the head of the task. Tied weights appear once. */
  parameterShapes(config: C, task: T): ParameterSpecs
}
