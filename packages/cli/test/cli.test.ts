import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fixturePath } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../src/index'

const tiny = fixturePath('chat/tiny-chat')
const folder = await mkdtemp(join(tmpdir(), 'tfx-cli-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A command that is running: what it wrote so far, and its exit code when it has ended. */
function start(...parameters: string[]) {
  const stdin = new PassThrough()
  const written = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') =>
    new PassThrough().on('data', (data: Buffer) => (written[name] += data.toString()))
  let interrupt = (): void => undefined
  const code = runCli(parameters, {
    stdin,
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    onInterrupt(listener) {
      interrupt = listener
      return () => (interrupt = () => undefined)
    },
  })
  return { stdin, written, code, interrupt: () => interrupt() }
}

async function run(...parameters: string[]) {
  const { written, code, stdin } = start(...parameters)
  stdin.end()
  return { ...written, code: await code, ...written }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('a wrong call', () => {
  it.each([
    [['frob'], "error: unknown command 'frob'"],
    [['generate'], "error: missing required argument 'model'"],
    [['generate', tiny, 'x', '--max-tokens', '0'], 'It must be a whole number of at least 1.'],
    [['generate', tiny, 'x', '--temperature', 'hot'], 'It must be a number.'],
    [['train', 'data.csv', '--output', 'x', '--set', 'epochs'], 'It must look like name=value.'],
    [['export', tiny, '--output', 'x', '--dtype', 'int3'], 'Allowed choices are float32, float16, bfloat16.'],
  ])('%j ends with 2', async (parameters, message) => {
    const { code, stderr, stdout } = await run(...parameters)
    expect(stderr).toContain(message)
    expect([code, stdout]).toEqual([2, ''])
  })

  it('help and the version are none', async () => {
    const help = await run('serve', '--help')
    expect(help.stdout).toContain('--max-concurrency')
    expect([help.code, (await run('--version')).code]).toEqual([0, 0])
  })
})

describe('a failure', () => {
  it.each([
    [['generate', './nowhere', 'x'], /^resolveBase: 'base' must be .*\nCorrect the path or name\.\n$/],
    [
      ['predict', tiny, 'x', '--task', 'nothing'],
      /^tfx: '--task' must be .* \(there is no package @tfx\/nothing\)\.\nInstall it \(npm install @tfx\/nothing\)/,
    ],
    [
      ['chat', tiny, '--resume', join(folder, 'no.json')],
      /^tfx chat: '--resume' must be a file .*ENOENT.*\nCorrect the name/,
    ],
  ])('%j ends with 1, and says what to do', async (parameters, message) => {
    const { code, stderr } = await run(...parameters)
    expect(stderr).toMatch(message)
    expect(code).toBe(1)
  })
})

describe('generate', () => {
  it('continues its parameter, or the standard input', async () => {
    const given = await run('generate', tiny, 'Once', '--max-tokens', '6')
    expect(given).toMatchObject({ code: 0, stderr: '' })
    expect(given.stdout).toHaveLength(7)
    const { stdin, written, code } = start('generate', tiny, '--max-tokens', '6')
    stdin.end('Once')
    expect(await code).toBe(0)
    expect(written.stdout).toBe(given.stdout)
  })

  it('ends with 130 when it is interrupted', async () => {
    const { code, interrupt, written } = start('generate', tiny, 'Once')
    interrupt()
    expect(await code).toBe(130)
    expect(written.stderr).toBe('Interrupted.\n')
  })
})

describe('chat', () => {
  it('answers line by line, and takes commands', async () => {
    const file = join(folder, 'dialogue.json')
    const { stdin, written, code } = start('chat', tiny, '--max-tokens', '8', '--temperature', '0')
    stdin.write('Hello\n/system Be brief.\n/reset\nHello\n/again\n')
    stdin.write(`${'x'.repeat(300)}\n/save ${file}\n/quit\n/exit\nnever read\n`)
    expect(await code).toBe(0)
    const replies = written.stdout.split('\n').map((line) => line.replace(/^(> )*/, ''))
    expect(replies[0]).toBe('vrevvvMx')
    expect(replies[1]).not.toBe(replies[0])
    expect(replies[2]).toBe(replies[1])
    expect(written.stderr).toContain('Be brief.\n')
    expect(written.stderr).toContain("send: 'text' must be fewer tokens")
    expect(written.stderr).toContain('There is no /quit; /help says what there is.\n')
    const saved = JSON.parse(await readFile(file, 'utf8')) as { system: string; messages: object[] }
    expect(saved.system).toBe('Be brief.')
    expect(saved.messages).toHaveLength(2)
    const resumed = start('chat', tiny, '--resume', file, '--max-tokens', '4')
    resumed.stdin.end('And?\n')
    expect(await resumed.code).toBe(0)
    expect(resumed.written.stderr).toBe('')
  })

  it('breaks a reply off when it is interrupted, and ends when there is none', async () => {
    const { stdin, written, code, interrupt } = start('chat', tiny, '--temperature', '1.5', '--stop', 'never')
    stdin.write('Hello\n')
    await until(() => written.stdout !== '')
    interrupt()
    await until(() => written.stdout.endsWith('\n'))
    expect(written.stdout.length).toBeLessThan(200)
    interrupt()
    expect(await code).toBe(0)
    expect(written.stderr).toBe('')
  })
})

describe('serve', () => {
  it('serves until it is interrupted', async () => {
    const { written, code, interrupt } = start('serve', tiny, '--port', '0', '--key', 'secret')
    await until(() => written.stdout.includes('\n'))
    const [, name, url] = /^Serving (\S+) at (http:\/\/127\.0\.0\.1:\d+) /.exec(written.stdout)!
    expect(name).toBe('tiny-chat')
    const response = await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer secret' } })
    expect(await response.json()).toMatchObject({ data: [{ id: 'tiny-chat' }] })
    expect((await fetch(`${url}/v1/models`)).status).toBe(401)
    interrupt()
    expect(await code).toBe(0)
    expect(written.stderr.split('\n').map((line) => line.slice(25, -5).trim())).toEqual([
      expect.stringContaining('GET /v1/models 200'),
      expect.stringContaining('GET /v1/models 401'),
      '',
    ])
  })
})

describe('a task', () => {
  const model = join(folder, 'model')
  const data = join(folder, 'reviews.csv')
  beforeAll(async () => {
    const rows = [
      'text,label',
      ...Array.from({ length: 8 }, (_, row) => (row % 2 ? 'a good film,good' : 'a bad film,bad')),
    ]
    await writeFile(data, rows.join('\n'))
  })

  it('is trained, evaluated and tried', async () => {
    const settings = ['--max-steps', '3', '--quiet', '--set', 'validation=false', '--onnx', 'none']
    const trained = await run('train', data, '--output', model, ...settings)
    expect(trained).toMatchObject({ code: 0, stdout: `Saved to ${model}\n`, stderr: '' })
    const evaluated = await run('evaluate', model, data, '--json')
    const metrics = JSON.parse(evaluated.stdout) as Record<string, number>
    expect(Object.keys(metrics)).toEqual([
      'accuracy',
      'f1',
      'matthewsCorrelation',
      'expectedCalibrationError',
      'loss',
    ])
    expect(metrics.loss).toBeLessThan(1)
    expect(await readdir(model)).not.toContain('onnx')
    const predicted = await run('predict', model, 'a good film', 'a bad film')
    expect(predicted.stdout).toMatch(/^((good|bad)\t0\.\d{4}\n){2}$/)
    const { stdin, written, code } = start('predict', model, '--json')
    stdin.end('a good film\na bad film\n')
    expect(await code).toBe(0)
    const answers = written.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { label: string })
    expect(answers.map(({ label }) => label)).toEqual(predicted.stdout.match(/good|bad/g))
  })

  it('answers line for line, also where lines are blank', async () => {
    const answersOf = async (text: string, ...flags: string[]) => {
      const { stdin, written, code } = start('predict', model, ...flags)
      stdin.end(text)
      expect(await code).toBe(0)
      return written.stdout
    }
    const [good, bad] = (await run('predict', model, 'a good film', 'a bad film')).stdout.split('\n')
    const lines = ['', ' ', 'a good film', '', ...Array<string>(40).fill('a bad film'), '', '']
    const expected = lines.map((line) => (line.includes('good') ? good : line.includes('bad') ? bad : ''))
    expect(await answersOf(`${lines.join('\n')}\n`)).toBe(`${expected.join('\n')}\n`)
    expect(await answersOf('\na good film\n', '--json')).toMatch(/^null\n\{"label":".*\}\n$/)
    expect(await answersOf('\n\n')).toBe('\n\n')
  })
})

describe('an adapter', () => {
  const [data, adapter] = [join(folder, 'loud.jsonl'), join(folder, 'loud')]
  const settings = ['-t', 'chat', '-b', tiny, '--quiet', '--set', 'validation=false']

  it('is saved alone, and put on its base again', async () => {
    await writeFile(data, JSON.stringify({ text: 'one two ONE TWO' }))
    const rate = ['--max-steps', '8', '--learning-rate', '0.05']
    const trained = await run(
      ...['train', data, '--output', adapter, '--adapter', 'lora', '--only-adapter', ...settings, ...rate],
    )
    expect(trained).toMatchObject({ code: 0, stdout: `Saved to ${adapter}\n`, stderr: '' })
    expect((await readdir(adapter)).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors'])
    const lossOf = async (...flags: string[]) => {
      const { stdout } = await run('evaluate', tiny, data, '-t', 'chat', '--json', ...flags)
      return (JSON.parse(stdout) as { loss: number }).loss
    }
    expect(await lossOf('--adapter', adapter)).toBeLessThan(0.7 * (await lossOf()))
    const writing = ['generate', tiny, 'one two', '--max-tokens', '8']
    const [tuned, plain] = [await run(...writing, '--adapter', adapter), await run(...writing)]
    expect(tuned.code).toBe(0)
    expect(tuned.stdout).not.toBe(plain.stdout)
  })

  it('of a prompt is always saved alone', async () => {
    const output = join(folder, 'prompt')
    const { code } = await run(
      ...['train', data, '--output', output, '--adapter', 'prompt', '--max-steps', '1', ...settings],
    )
    expect(code).toBe(0)
    expect(await readdir(output)).toContain('adapter_config.json')
  })

  it.each([[[]], [['--adapter', 'bitfit']]])('is missed before training: %j', async (flags) => {
    const trained = await run('train', data, '--output', adapter, '--only-adapter', ...settings, ...flags)
    expect(trained.code).toBe(1)
    expect(trained.stderr).toContain("tfx train: '--only-adapter' must be an adapter with files of its own")
  })
})

describe('a task whose models do not answer text by text', () => {
  it('is evaluated, but predicts nothing', async () => {
    const data = join(folder, 'dialogues.jsonl')
    await writeFile(data, JSON.stringify({ prompt: 'one', completion: 'ONE' }))
    const evaluated = await run('evaluate', tiny, data, '--task', 'chat')
    expect(evaluated.stdout).toMatch(/^loss\t[\d.]+\nperplexity\t[\d.]+\n$/)
    const { code, stderr } = await run('predict', tiny, 'one', '--task', 'chat')
    expect([code, stderr]).toEqual([
      1,
      "tfx predict: '--task' must be a task whose models answer text by text, such as sentiment or translation, but got 'chat'.\n" +
        'Use its package in a program of yours; language models write by tfx generate or tfx chat.\n',
    ])
  })
})

describe('export', () => {
  it('writes safetensors and ONNX', async () => {
    const output = join(folder, 'exported')
    const { code, stdout } = await run(
      'export',
      tiny,
      '--output',
      output,
      '--onnx',
      'int8',
      '--dtype',
      'float16',
    )
    expect([code, stdout]).toEqual([0, `Exported to ${output}\n`])
    expect(await readdir(join(output, 'onnx'))).toEqual(['model_quantized.onnx'])
    const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8')) as {
      architectures: string[]
    }
    expect(config.architectures).toEqual(['LlamaForCausalLM'])
    expect((await readdir(output)).sort()).toContain('chat_template.jinja')
  })
})

describe('doctor', () => {
  it('says what works', async () => {
    const { code, stdout } = await run('doctor', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ node: process.version, engine: 'onnx' })
    expect((await run('doctor')).stdout).toMatch(/^node +v.*\nonnxruntime-node +works: /ms)
  })
})
