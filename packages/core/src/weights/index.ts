export type { StoredTensor, WeightsReader } from './weights-reader'
