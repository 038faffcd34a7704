#!/usr/bin/env node
import { runCli } from './run-cli'
import { processSurroundings } from './surroundings'

// Who read the answers has gone, as `head` does: there is nobody to compute for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})
// Nobody reads the progress of what goes on.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

void runCli(process.argv.slice(2), processSurroundings).then((code) => {
  process.exitCode = code
})
