export * from './averages'
export * from './confusion'
export * from './probabilities'
export * from './report'
