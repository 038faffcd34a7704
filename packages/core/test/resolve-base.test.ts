import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AbortedError, CheckpointError, NetworkError } from '@tfx/common'
import { fixturePath } from '@tfx/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadCheckpoint, resolveBase } from '../src/index'

const commit = '0123456789abcdef0123456789abcdef01234567'

let cacheDirectory: string
let server: Server
let requests: { url: string; headers: IncomingMessage['headers'] }[]
/** Answers instead of the hub where it returns true. */
let intercept: (request: IncomingMessage, response: ServerResponse) => boolean

beforeEach(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'tfx-hub-'))
  requests = []
  intercept = () => false
  server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  vi.stubEnv('HF_TOKEN', undefined)
  vi.stubEnv('HF_HUB_OFFLINE', undefined)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** A hub with one repository, `owner/tiny`: the fixture bert-classification, and `owner/shards`. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? ''
  requests.push({ url, headers: request.headers })
  if (intercept(request, response)) return
  const [, id = '', file] =
    /^\/api\/models\/(.+)\/revision\/main$/.exec(url) ?? /^\/(.+)\/resolve\/[0-9a-f]+\/(.+)$/.exec(url) ?? []
  const folder = { 'owner/tiny': 'bert-classification', 'owner/shards': 'bert-sharded' }[id]
  if (folder === undefined) return void response.writeHead(404).end('{"error":"Repository not found"}')
  const directory = fixturePath(`core/${folder}`)
  if (file === undefined) {
    const names = [...(await readdir(directory)), 'README.md', 'pytorch_model.bin', '../escape.safetensors']
    return void response.end(
      JSON.stringify({ sha: commit, siblings: names.map((rfilename) => ({ rfilename })) }),
    )
  }
  const bytes = await readFile(join(directory, file))
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start })
  response.end(bytes.subarray(start))
}

/** Sends half of what is left of the file and breaks the connection. */
function breakOff(request: IncomingMessage, response: ServerResponse, bytes: Buffer): true {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start })
  response.write(bytes.subarray(start, start + Math.ceil((bytes.length - start) / 2)), () =>
    response.destroy(),
  )
  return true
}

describe('a local directory', () => {
  it('is taken as it is', async () => {
    const directory = fixturePath('core/bert-classification')
    expect(await resolveBase(directory)).toEqual({ directory, source: `directory ${directory}` })
    expect(requests).toEqual([])
  })

  it('that does not exist is not looked for elsewhere', async () => {
    await expect(resolveBase('./no-such-model')).rejects.toThrow(
      "resolveBase: 'base' must be a directory, an installed npm package or a hub id (owner/name), but got " +
        "'./no-such-model'; tried the directory './no-such-model' (there is none). Correct the path or name.",
    )
    expect(requests).toEqual([])
  })
})

describe('an npm package', () => {
  it('is found from the working directory', async () => {
    const project = await mkdtemp(join(tmpdir(), 'tfx-project-'))
    const directory = join(project, 'node_modules', '@someone', 'base')
    await mkdir(directory, { recursive: true })
    await writeFile(
      join(directory, 'package.json'),
      '{"name":"@someone/base","version":"1.2.3","exports":{}}',
    )
    await writeFile(join(directory, 'config.json'), '{}')
    vi.spyOn(process, 'cwd').mockReturnValue(project)
    expect(await resolveBase('@someone/base')).toEqual({ directory, source: 'package @someone/base 1.2.3' })
  })

  it('that is not installed is an error with the command to install it', async () => {
    await expect(resolveBase('@someone/missing')).rejects.toThrow(
      "tried the directory '@someone/missing' (there is none) and the npm package '@someone/missing' (not installed). " +
        'Install the package (npm install @someone/missing), or correct the name.',
    )
  })

  it('without a checkpoint is not a base', async () => {
    await expect(resolveBase('@tfx/common')).rejects.toThrow(CheckpointError)
  })
})

describe('a hub id', () => {
  it('is downloaded once, with what a checkpoint needs and no more', async () => {
    const progress: string[] = []
    const onProgress = ({ file, loaded, total }: { file: string; loaded: number; total?: number }) => {
      if (loaded === total) progress.push(file)
    }
    const first = await resolveBase('owner/tiny', { cacheDirectory, onProgress })
    const files = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']
    expect((await readdir(first.directory)).sort()).toEqual(files)
    expect(progress.sort()).toEqual(files)
    for (const file of files) {
      const original = await readFile(fixturePath(`core/bert-classification/${file}`))
      expect(await readFile(join(first.directory, file))).toEqual(original)
    }
    expect(first.source).toBe('hub owner/tiny (main, 0123456)')
    expect((await loadCheckpoint(first.directory)).config.labels).toEqual(['negative', 'neutral', 'positive'])
    requests = []
    expect((await resolveBase('owner/tiny', { cacheDirectory })).directory).toBe(first.directory)
    expect(requests.map(({ url }) => url)).toEqual(['/api/models/owner/tiny/revision/main'])
  })

  it('brings every shard', async () => {
    const { directory } = await resolveBase('owner/shards', { cacheDirectory })
    const original = (await readdir(fixturePath('core/bert-sharded'))).sort()
    expect((await readdir(directory)).sort()).toEqual(original)
  })

  it('sends HF_TOKEN', async () => {
    vi.stubEnv('HF_TOKEN', 'secret')
    await resolveBase('owner/tiny', { cacheDirectory })
    expect(new Set(requests.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer secret']))
  })

  it('that is unknown names everything that was tried', async () => {
    const error = await resolveBase('owner/nothing', { cacheDirectory }).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(CheckpointError)
    expect((error as Error).message).toMatch(
      /tried the directory 'owner\/nothing' \(there is none\), the npm package 'owner\/nothing' \(not installed\) and the hub at http:.* \(no such repository or revision 'main'\)\. Correct the name/,
    )
  })

  it.each([401, 403])('that the hub refuses with %i points to HF_TOKEN', async (status) => {
    intercept = (_, response) => Boolean(response.writeHead(status).end())
    const error = await resolveBase('owner/tiny', { cacheDirectory }).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(NetworkError)
    expect((error as Error).message).toMatch(new RegExp(`status ${status}.*set HF_TOKEN`))
  })

  it('reports a hub that is out of order', async () => {
    intercept = (_, response) => Boolean(response.writeHead(503).end())
    await expect(resolveBase('owner/tiny', { cacheDirectory })).rejects.toThrow(
      /status 503.*what was downloaded is kept/,
    )
  })

  it('reports an answer that is not from a hub', async () => {
    intercept = (_, response) => Boolean(response.end('<html>log in</html>'))
    await expect(resolveBase('owner/tiny', { cacheDirectory })).rejects.toThrow(
      /not from a Hugging Face hub.*HF_ENDPOINT/,
    )
  })

  it('continues a connection that broke', async () => {
    const bytes = await readFile(fixturePath('core/bert-classification/model.safetensors'))
    let breaks = 0
    intercept = (request, response) =>
      request.url?.endsWith('model.safetensors') === true &&
      breaks++ < 4 &&
      breakOff(request, response, bytes)
    const { directory } = await resolveBase('owner/tiny', { cacheDirectory })
    expect(await readFile(join(directory, 'model.safetensors'))).toEqual(bytes)
    const ranges = requests.map(({ headers }) => headers.range).filter(Boolean)
    expect(ranges).toHaveLength(4)
    expect(ranges[0]).toBe(`bytes=${Math.ceil(bytes.length / 2)}-`)
  })

  it('leaves nothing half when the body never comes whole, and keeps whole files for the next call', async () => {
    intercept = (request, response) => {
      if (!request.url?.endsWith('model.safetensors')) return false
      response.writeHead(200, { 'content-length': 1000 }).flushHeaders()
      response.destroy()
      return true
    }
    await expect(resolveBase('owner/tiny', { cacheDirectory })).rejects.toThrow(
      /model.safetensors broke off after 0 of 1000 bytes, 3 times\. Call it again: files that came whole are kept\./,
    )
    const repository = join(cacheDirectory, 'hub', 'owner--tiny')
    expect(await readdir(repository)).toEqual([`${commit}.partial`])
    const kept = ['config.json', 'tokenizer.json', 'tokenizer_config.json']
    expect((await readdir(join(repository, `${commit}.partial`))).sort()).toEqual(kept)
    intercept = () => false
    requests = []
    await resolveBase('owner/tiny', { cacheDirectory })
    expect(requests.map(({ url }) => url)).toEqual([
      '/api/models/owner/tiny/revision/main',
      `/owner/tiny/resolve/${commit}/model.safetensors`,
    ])
  })

  it('stops when its signal fires', async () => {
    const controller = new AbortController()
    intercept = (request) => {
      if (!request.url?.endsWith('model.safetensors')) return false
      controller.abort()
      return true
    }
    const { signal } = controller
    await expect(resolveBase('owner/tiny', { cacheDirectory, signal })).rejects.toThrow(AbortedError)
  })

  it('refuses a repository without weights', async () => {
    intercept = (_, response) =>
      Boolean(response.end(JSON.stringify({ sha: commit, siblings: [{ rfilename: 'config.json' }] })))
    await expect(resolveBase('owner/tiny', { cacheDirectory })).rejects.toThrow(
      "config.json and model.safetensors or pytorch_model.bin, but got 'owner/tiny', which lacks both kinds of weights. Choose another repository",
    )
  })

  it.each([
    [['pytorch_model.bin', 'tf_model.h5'], ['pytorch_model.bin']],
    [
      ['pytorch_model-00001-of-00001.bin', 'pytorch_model.bin.index.json', 'flax_model.msgpack'],
      ['pytorch_model-00001-of-00001.bin', 'pytorch_model.bin.index.json'],
    ],
  ])('of the weights %j, without safetensors, takes %j', async (weights, taken) => {
    const pickle = await readFile(fixturePath('core/weights/bert-torch/pytorch_model.bin'))
    const siblings = ['config.json', 'tokenizer.json', ...weights].map((rfilename) => ({ rfilename }))
    intercept = ({ url = '' }, response) => {
      if (url.startsWith('/api/')) return Boolean(response.end(JSON.stringify({ sha: commit, siblings })))
      return url.includes('pytorch_model') && Boolean(response.end(pickle))
    }
    const { directory } = await resolveBase('owner/tiny', { cacheDirectory })
    expect((await readdir(directory)).sort()).toEqual(['config.json', ...taken, 'tokenizer.json'].sort())
    if (!taken.includes('pytorch_model.bin')) return
    const write = () => undefined
    const report = await (
      await loadCheckpoint(directory, { kind: 'encoder' })
    ).loadParameters('sequence-classification', { write })
    expect(report.missing).toEqual([])
  })
})

describe('without a network', () => {
  it('a hub id that was never downloaded is a NetworkError that says what needs none', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1')
    const error = await resolveBase('owner/tiny', { cacheDirectory }).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(NetworkError)
    expect((error as Error).message).toMatch(
      /not reached: .*\. Connect to the internet.*'@tfx\/base-encoder' needs no network/,
    )
  })

  it('a hub id that was downloaded before is taken from the cache', async () => {
    const { directory } = await resolveBase('owner/tiny', { cacheDirectory })
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    const cached = await resolveBase('owner/tiny', { cacheDirectory })
    expect(cached.directory).toBe(directory)
    expect(cached.source).toContain('cached')
  })
})
