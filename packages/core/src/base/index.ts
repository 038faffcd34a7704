export type { DownloadProgress } from './download'
export { resolveBase, type ResolveBaseOptions, type ResolvedBase } from './resolve-base'
