#!/usr/bin/env node
import { runCli } from './run-cli'
import { processSurroundings } from './surroundings'

void runCli(process.argv.slice(2), processSurroundings).then((code) => {
  process.exitCode = code
})
