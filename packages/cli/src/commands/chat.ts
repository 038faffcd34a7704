import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { type ChatSession, createChatSession, load, restoreChatSession } from '@tfx/chat'
import { DataError, isTfxError } from '@tfx/common'
import {
  addLoadOptions,
  addWriteOptions,
  type LoadFlags,
  loadOptions,
  writeOptions,
  type WriteFlags,
} from '../options'
import type { AddCommand } from '../run-cli'
import type { Surroundings } from '../surroundings'

interface Flags extends WriteFlags, LoadFlags {
  readonly system?: string
  readonly resume?: string
  readonly chatTemplate?: string
}

/** `tfx chat` */
export const addChat: AddCommand = (program, surroundings) =>
  void addWriteOptions(
    addLoadOptions(
      program
        .command('chat <model>')
        .description('talks with a model in the terminal')
        .option('--system <text>', 'what the model is told before the dialogue')
        .option('--resume <file>', 'go on with a dialogue that /save wrote')
        .option(
          '--chat-template <jinja>',
          "a template, or the name of one, such as chatml (default: the model's)",
        ),
    ),
  ).action(async (source: string, { system, resume, chatTemplate, ...flags }: Flags) => {
    const { stderr } = surroundings
    const model = await load(source, {
      thread: true,
      ...(chatTemplate !== undefined && { chatTemplate }),
      ...loadOptions(flags),
    })
    try {
      const options = {
        ...writeOptions(flags),
        ...(system !== undefined && { system }),
        onForget: (count: number) =>
          stderr.write(`(The context is full: the first ${count} messages are not read any more.)\n`),
      }
      const session =
        resume === undefined
          ? createChatSession(model, options)
          : restoreChatSession(model, await readJson(resume), options)
      await talk(session, surroundings)
    } finally {
      await model.dispose()
    }
  })

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new DataError({
      function: 'tfx chat',
      argument: '--resume',
      expected: 'a file that /save wrote',
      received: `${file} (${(cause as Error).message})`,
      remedy: 'Correct the name, or leave it out for a new dialogue.',
      cause,
    })
  }
}

/** What a model writes must not steer the terminal. */
const printable = (text: string) => text.replace(/[^\P{Cc}\n\t]/gu, '\uFFFD')

const help = `/reset          forget the dialogue
/system [text]  change what the model is told before it, or show it
/again          replace the last reply
/save FILE      write the dialogue to a file
/exit           leave (also Ctrl-D); Ctrl-C breaks a reply off
`

/** Reads lines and answers them, until there are no more. */
async function talk(
  session: ChatSession,
  { stdin, stdout, stderr, onInterrupt }: Surroundings,
): Promise<void> {
  const isTerminal = stdin.isTTY === true
  const lines = createInterface({ input: stdin, ...(isTerminal && { output: stdout }), prompt: '> ' })
  let reply: AbortController | undefined
  let isOver = false as boolean
  lines.on('close', () => (isOver = true))
  // In a terminal the keys come to the lines' reader, else as signals.
  const interrupt = () => (reply === undefined ? lines.close() : reply.abort())
  const stopListening = onInterrupt(interrupt)
  lines.on('SIGINT', interrupt)

  const print = async (pieces: (signal: AbortSignal) => AsyncGenerator<string>) => {
    reply = new AbortController()
    try {
      for await (const piece of pieces(reply.signal)) stdout.write(printable(piece))
    } catch (error) {
      if (!isTfxError(error)) throw error
      if (error.code !== 'ERR_TFX_ABORTED') stderr.write(error.message)
    } finally {
      reply = undefined
      stdout.write('\n')
    }
  }
  const commands: Readonly<Record<string, (rest: string) => void | Promise<void>>> = {
    '/reset': () => session.reset(),
    '/system': (text) => {
      if (text !== '') session.setSystem(text)
      stderr.write(`${session.system ?? '(nothing)'}\n`)
    },
    '/again': () => print((signal) => session.regenerate({ signal })),
    '/save': async (file) => {
      const saved = writeFile(file, `${JSON.stringify(session, undefined, 2)}\n`)
      const outcome = await saved.then(
        () => `Saved to ${file}`,
        ({ message }: Error) => `Not saved: ${message}`,
      )
      stderr.write(`${outcome}\n`)
    },
    '/exit': () => lines.close(),
    '/help': () => void stderr.write(help),
  }
  try {
    if (isTerminal) stderr.write('/help says what there is.\n')
    lines.prompt()
    for await (const line of lines) {
      const [, name = '', rest = ''] = /^(\/\w+)\s*(.*)$/s.exec(line.trim()) ?? []
      if (Object.hasOwn(commands, name)) await commands[name]!(rest)
      else if (name !== '' && rest === '') stderr.write(`There is no ${name}; /help says what there is.\n`)
      else if (line.trim() !== '') await print((signal) => session.send(line, { signal }))
      if (name === '/exit') break
      // The last lines are still read when the input is over.
      if (!isOver) lines.prompt()
    }
  } finally {
    stopListening()
    lines.close()
  }
}
