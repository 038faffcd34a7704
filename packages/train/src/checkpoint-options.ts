/** When and where a run saves its state, to be resumed from. */
export interface CheckpointSettings {
  /** A directory for the checkpoints of this run alone. */
  readonly directory: string
  /** Save each so many steps. Default: by time only. */
  readonly everySteps?: number
  /** Save when so many seconds have passed since the last time. Default 300. */
  readonly everySeconds?: number
  /** How many checkpoints to keep. Default 2. */
  readonly keep?: number
  /**
   * Go on from the latest checkpoint in the directory, if there is one. A damaged one is passed over for the one before.
   * With false the directory's checkpoints are removed first. Default true.
   */
  readonly resume?: boolean
  /** What else must be the same for the run to be the same, such as a hash of the data. Plain data; default none. */
  readonly identity?: Readonly<Record<string, unknown>>
  /** On SIGINT and SIGTERM, finish the step, save, and throw a TrainingAbortedError. Default true. */
  readonly onSignals?: boolean
}

/** With defaults. */
export function resolveCheckpoints(settings: CheckpointSettings): Required<CheckpointSettings> {
  const defaults = {
    everySteps: Infinity,
    everySeconds: 300,
    keep: 2,
    resume: true,
    identity: {},
    onSignals: true,
  }
  return { ...defaults, ...settings }
}
