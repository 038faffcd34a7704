/**
 * The factor on the base learning rate of a step.
 *
 * @param step The number of optimizer steps already taken: 0 for the first.
 */
export type Schedule = (step: number) => number
