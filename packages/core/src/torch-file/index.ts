export { openTorchFile } from './read'
