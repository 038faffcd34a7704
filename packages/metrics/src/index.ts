export * from './averages'
export { confusionMatrix, createConfusion, type Confusion } from './confusion'
export * from './probabilities'
export * from './report'
