import { once } from 'node:events'
import { basename, resolve } from 'node:path'
import { load } from '@tfx/chat'
import { ArgumentError } from '@tfx/common'
import type { InferencePrecision } from '@tfx/core'
import { collect, namedDirectory, precisionOption, whole } from '../options'
import type { AddCommand } from '../run-cli'
import { isLoopback } from '../serve/access'
import { createChatServer } from '../serve/chat-server'
import type { AnsweredRequest } from '../serve/options'
import type { Surroundings } from '../surroundings'

interface Flags {
  readonly port: number
  readonly host: string
  readonly name?: string
  readonly key?: string
  readonly maxConcurrency: number
  readonly maxQueue: number
  readonly cache: number
  readonly maxBodySize: number
  readonly timeout: number
  readonly cors?: string
  readonly allowedHost?: readonly string[]
  readonly grace: number
  readonly chatTemplate?: string
  readonly adapter?: Readonly<Record<string, string>>
  readonly precision?: InferencePrecision
  readonly quiet?: boolean
}

/** `tfx serve` */
export const addServe: AddCommand = (program, surroundings) =>
  void program
    .command('serve <model>')
    .description("serves a model as OpenAI's API does, with a page to talk on")
    .option('-p, --port <n>', 'where to listen; 0 for any free port', whole(), 8000)
    .option('--host <address>', 'where to listen; 0.0.0.0 for the whole network', '127.0.0.1')
    .option('--name <name>', 'what clients call the model (default: its own name)')
    .option('--key <text>', 'clients must send it (default: the variable TFX_SERVE_KEY, or none)')
    .option('--max-concurrency <n>', 'replies written at a time', whole(1), 16)
    .option('--max-queue <n>', 'requests that may wait; more are refused', whole(), 64)
    .option('--cache <n>', 'dialogues whose keys and values are kept between requests', whole(), 4)
    .option('--max-body-size <bytes>', 'of a request', whole(1), 2 ** 20)
    .option('--timeout <seconds>', 'in which a request must have come', whole(1), 30)
    .option('--cors <origin>', 'whose pages may ask; * for any (default: only its own)')
    .option('--allowed-host <name>', 'a name it answers to, behind a proxy; may be repeated', collect)
    .option('--grace <seconds>', 'that replies have to end when the server stops', whole(), 5)
    .option(
      '--chat-template <jinja>',
      "a template, or the name of one, such as chatml (default: the model's)",
    )
    .option('--adapter <name=directory>', 'served beside it by that name; may be repeated', namedDirectory)
    .addOption(precisionOption())
    .option('--quiet', 'do not print each request')
    .action((source: string, flags: Flags) => serve(source, flags, surroundings))

async function serve(source: string, flags: Flags, surroundings: Surroundings): Promise<void> {
  const { port, host, grace, quiet = false, chatTemplate, precision, adapter, timeout, cors } = flags
  const { stdout, stderr, onInterrupt } = surroundings
  const key = flags.key ?? process.env.TFX_SERVE_KEY
  if (key === undefined && !isLoopback(host))
    stderr.write('Anybody who reaches this machine may ask: there is no --key.\n')
  const stopped = new AbortController()
  const stopListening = onInterrupt(() => stopped.abort())
  const { signal } = stopped
  const model = await load(source, {
    ...{ thread: true, signal },
    ...(chatTemplate !== undefined && { chatTemplate }),
    ...(precision && { precision }),
    ...(adapter && { adapters: adapter }),
  })
  try {
    if (!model.hasTemplate) throw withoutTemplate(source)
    const name = flags.name ?? nameOf(source)
    const { maxConcurrency, maxQueue, cache, maxBodySize } = flags
    const server = createChatServer({
      ...{ model, name, maxConcurrency, maxQueue, cache, maxBodySize, timeout: timeout * 1000 },
      ...(adapter && { adapters: Object.keys(adapter) }),
      ...(key !== undefined && { key }),
      ...(cors !== undefined && { cors }),
      ...(flags.allowedHost && { allowedHosts: flags.allowedHost }),
      ...(!quiet && { onRequest: (request: AnsweredRequest) => stderr.write(describe(request)) }),
      onError: (error) =>
        stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
    })
    const url = await server.listen({ host, port })
    const names = [name, ...Object.keys(adapter ?? {})].join(', ')
    stdout.write(`Serving ${names} at ${url} (API: ${url}/v1); Ctrl-C stops.\n`)
    if (!signal.aborted) await once(signal, 'abort')
    await server.close(grace * 1000)
  } finally {
    stopListening()
    await model.dispose()
  }
}

/** A directory by its last part, a hub id or package as it is. */
const nameOf = (source: string) => (/^[@\w-]+\/[\w.-]+$/.test(source) ? source : basename(resolve(source)))

const describe = ({ method, path, status, milliseconds }: AnsweredRequest) =>
  `${new Date().toISOString()} ${method} ${path} ${status} ${milliseconds.toFixed(0)} ms\n`

const withoutTemplate = (source: string) =>
  new ArgumentError({
    function: 'tfx serve',
    argument: 'model',
    expected: 'one with a chat template',
    received: `'${source}', which has none`,
    remedy: 'Pass --chat-template, or tune it on dialogues first: tfx train --task chat.',
  })
