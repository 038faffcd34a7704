export type { TensorInfo } from './header'
export type { SafetensorsType, WritableType } from '../weights/number-formats'
export { openSafetensors, type SafetensorsReader } from './read'
export { writeSafetensors, type TensorToWrite, type WriteSafetensorsOptions } from './write'
