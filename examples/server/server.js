// A server that fine-tunes on what is posted to it and answers meanwhile: all computing is done in threads.
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { transfer } from '@tfx/sentiment'

/** Options of each training. */
const settings = { batchSize: 16, learningRate: 2e-4, truncation: true, progress: false, thread: true }

/**
 *     POST /train    rows as CSV, with columns text and label; answers when the new model serves
 *     POST /predict  a text; answers with its label and score
 *     GET  /status   what the training is at
 */
export async function createSentimentServer({ base = '@tfx/base-encoder', epochs = 1 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'tfx-server-'))
  const closing = new AbortController()
  const trainings = new Set()
  let [model, status, count] = [undefined, { type: 'idle' }, 0]

  async function train(request) {
    // The thread reads the file: the rows never pass through this one.
    const file = join(folder, `${++count}.csv`)
    await pipeline(request, createWriteStream(file))
    const onEvent = (event) => (status = event)
    const training = transfer(base, file, { ...settings, epochs, signal: closing.signal, onEvent })
    trainings.add(training)
    try {
      const next = await training
      const previous = model
      model = next
      await previous?.dispose()
      const { seconds, best } = next.training
      return [200, { seconds, accuracy: best?.value }]
    } finally {
      trainings.delete(training)
    }
  }

  const routes = {
    'POST /train': train,
    'POST /predict': async (request) =>
      model ? [200, await model.predict(await text(request))] : [503, { error: 'There is no model yet.' }],
    'GET /status': async () => [200, status],
  }
  const server = createServer(async (request, response) => {
    const route = routes[`${request.method} ${request.url}`] ?? (async () => [404, { error: 'no such page' }])
    const [code, body] = await route(request).catch(({ message }) => [400, { error: message }])
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  return {
    server,
    async close() {
      server.close()
      closing.abort()
      await Promise.allSettled(trainings)
      await model?.dispose()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
