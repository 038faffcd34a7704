export type { GgufValue } from './header'
export { huggingFaceWeights } from './llama-names'
export { openGguf, type GgufReader } from './read'
