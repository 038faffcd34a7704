export type { GgufValue } from './header'
export { huggingFaceWeights } from './hugging-face-weights'
export { openGguf, type GgufReader } from './read'
