export * from './all-close'
export * from './chromium'
export * from './finite-difference'
export * from './fixtures'
