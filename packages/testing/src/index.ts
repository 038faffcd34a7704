export * from './all-close'
export * from './finite-difference'
export * from './fixtures'
