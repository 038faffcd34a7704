export * from './errors'
export * from './files'
export * from './random'
export * from './tensor'
