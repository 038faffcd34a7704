/** A module that serves `transfer` and `load` in a thread. */
export const chatThread = new URL('./thread.js', import.meta.url)
