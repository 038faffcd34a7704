#!/usr/bin/env node
import { processSurroundings } from './surroundings'
import { runCli } from './run-cli'

process.exitCode = await runCli(process.argv.slice(2), processSurroundings)
