import { text as textOf } from 'node:stream/consumers'
import { load } from '@tfx/chat'
import {
  addLoadOptions,
  addWriteOptions,
  type LoadFlags,
  loadOptions,
  writeOptions,
  type WriteFlags,
} from '../options'
import type { AddCommand } from '../run-cli'
import { withInterrupt } from '../surroundings'

interface Flags extends WriteFlags, LoadFlags {}

/** `tfx generate` */
export const addGenerate: AddCommand = (program, surroundings) =>
  void addWriteOptions(
    addLoadOptions(
      program
        .command('generate <model> [prompt]')
        .description('continues a text, or the standard input, with a language model'),
    ),
  ).action(async (source: string, prompt: string | undefined, flags: Flags) => {
    const { stdin, stdout } = surroundings
    const given = prompt ?? (await textOf(stdin))
    await withInterrupt(surroundings, async (signal) => {
      const model = await load(source, { thread: true, signal, ...loadOptions(flags) })
      try {
        for await (const piece of model.generate(given, { ...writeOptions(flags), signal }))
          stdout.write(piece)
        stdout.write('\n')
      } finally {
        await model.dispose()
      }
    })
  })
