import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type * as FileSystem from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOnnxEngine } from '@tfx/backend'
import { fixturePath, loadFixture } from '@tfx/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  combineHandlers,
  fit,
  type FitResult,
  jsonLinesLogger,
  tensorBoardLogger,
  type TrainingEvent,
} from '../src/index'
import { crc32c, restartEvent, scalarsEvent, tfRecord, versionEvent } from '../src/logging/event-file'
import { regression, regressionBatches } from './regression'
import { runOf } from './runs'
import { readEvents, readRecords, readScalars } from './tensor-board'

const disk = vi.hoisted(() => ({ isFull: false }))

vi.mock('node:fs', async (original) => {
  const real = await original<typeof FileSystem>()
  const appendFileSync: typeof real.appendFileSync = (...parameters) => {
    if (disk.isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    real.appendFileSync(...parameters)
  }
  return { ...real, default: { ...real, appendFileSync }, appendFileSync }
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfx-logging-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type LogLine = { type: string; time: string } & Partial<Record<'step' | 'steps' | 'loss' | 'history', number>>

const readLines = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine)
const summaryOf = (file: string) =>
  readLines(file).map(({ type, step, steps }) => `${type} ${step ?? steps ?? ''}`)

const run = runOf(20)
const start = { type: 'start', totalSteps: 20, epochs: 3, parameters: 7 } as const
const steps = run.history.map((record) => ({ type: 'step', ...record }) as const)
const evaluations = run.evaluations.map((record) => ({ type: 'evaluate', ...record }) as const)
const send = (handler: (event: TrainingEvent) => void, events: readonly TrainingEvent[]) =>
  events.forEach(handler)

describe('an event file', () => {
  it('has the bytes that those of TensorBoard have', () => {
    const { wallTime, events } = loadFixture<{
      wallTime: number
      events: { wallTime: number; step: number; restart?: number; scalars: Record<string, number> }[]
    }>('train/event-file')
    const bytes = readFileSync(fixturePath('train/event-file.tfevents'))
    const [first, ...records] = readRecords(bytes)
    const own = events.map(({ wallTime, step, restart, scalars }) =>
      restart === undefined
        ? scalarsEvent(scalars, { wallTime, step })
        : restartEvent({ wallTime, step: restart }),
    )
    expect(own.map((event) => [...event])).toEqual(records.map((record) => [...record]))
    expect([...first!.subarray(0, versionEvent(wallTime).length)]).toEqual([...versionEvent(wallTime)])
    // TensorBoard's writer also says its name in the first event; so it goes in as it is.
    expect(Buffer.concat([first!, ...own].map(tfRecord))).toEqual(bytes)
  })

  it('has the checksum of RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  })
})

describe('tensorBoardLogger', () => {
  it("writes the scalars under Hugging Face's names", () => {
    send(tensorBoardLogger({ directory: folder }), [
      start,
      ...steps,
      ...evaluations,
      { type: 'end', result: run },
    ])
    const [file] = readdirSync(folder)
    expect(file).toMatch(/^events\.out\.tfevents\.\d{10}\./)
    const [version, restart, first] = readEvents(join(folder, file!))
    expect(version!.fileVersion).toBe('brain.Event:2')
    expect(restart).toMatchObject({ step: 0, sessionLog: { status: 'START' } })
    expect(Math.abs(first!.wallTime - Date.now() / 1000)).toBeLessThan(60)
    const at = (value: (record: (typeof steps)[number]) => number) =>
      steps.map((step) => [step.step, Math.fround(value(step))])
    const evaluated = (value: (record: (typeof evaluations)[number]) => number) =>
      evaluations.map((each) => [each.step, Math.fround(value(each))])
    expect(readScalars(folder)).toEqual({
      'train/loss': at(({ loss }) => loss),
      'train/grad_norm': at(({ gradientNorm }) => gradientNorm),
      'train/learning_rate': at(({ learningRate }) => learningRate),
      'eval/accuracy': evaluated(({ metrics }) => metrics.accuracy!),
      'eval/loss': evaluated(({ metrics }) => metrics.loss!),
      'eval/runtime': evaluated(({ seconds }) => seconds),
    })
  })

  it('hides what an earlier run left in the directory', () => {
    const logger = tensorBoardLogger({ directory: folder })
    send(logger, [start, ...steps])
    send(logger, [start, ...steps.slice(0, 3)])
    expect(readdirSync(folder)).toHaveLength(2)
    expect(readScalars(folder)['train/loss']).toHaveLength(3)
  })
})

describe('jsonLinesLogger', () => {
  it('writes each event with the time, and the history once', () => {
    const file = join(folder, 'deep', 'run.jsonl')
    send(jsonLinesLogger({ file }), [
      start,
      ...steps.slice(0, 2),
      evaluations[0]!,
      { type: 'end', result: run },
    ])
    const lines = readLines(file)
    expect(
      lines.map(({ time, ...event }) => [Math.abs(Date.parse(time) - Date.now()) < 60_000, event]),
    ).toEqual(
      [start, ...steps.slice(0, 2), evaluations[0]!, withoutHistory(run)].map((event) => [true, event]),
    )
  })

  it('replaces the log of another run, and nothing else', () => {
    const file = join(folder, 'run.jsonl')
    send(jsonLinesLogger({ file }), [start, ...steps])
    send(jsonLinesLogger({ file }), [start, steps[0]!])
    expect(summaryOf(file)).toEqual(['start ', 'step 1'])
    writeFileSync(file, '{"text":"so","label":"good"}\n')
    expect(() => jsonLinesLogger({ file })(start)).toThrow(
      `jsonLinesLogger: 'file' must be a new file, or the log of a run, to replace it, but got '${file}', which holds something else.`,
    )
    expect(readFileSync(file, 'utf8')).toContain('good')
  })

  it('drops a line that was half written when a run is resumed', () => {
    const file = join(folder, 'run.jsonl')
    send(jsonLinesLogger({ file }), [start, ...steps.slice(0, 4)])
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20))
    send(jsonLinesLogger({ file }), [start, { type: 'resume', step: 3, epoch: 1, result: run }, steps[3]!])
    expect(summaryOf(file)).toEqual(['start ', 'step 1', 'step 2', 'step 3', 'start ', 'resume 3', 'step 4'])
  })
})

function withoutHistory({ history: _, evaluations: __, ...result }: FitResult) {
  return { type: 'end', ...result }
}

describe('a log that cannot be written', () => {
  it.each(['jsonLinesLogger', 'tensorBoardLogger'] as const)('of %s is an error before training', (name) => {
    writeFileSync(join(folder, 'a-file'), '')
    const inside = join(folder, 'a-file', 'log')
    const logger =
      name === 'jsonLinesLogger'
        ? jsonLinesLogger({ file: inside })
        : tensorBoardLogger({ directory: inside })
    expect(() => logger(start)).toThrow(
      /^\w+Logger: 'directory' must be writable, but got (ENOTDIR|EEXIST) at/,
    )
  })

  it('is a warning, once, when the disk is full later', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const file = join(folder, 'run.jsonl')
    const loggers = combineHandlers(jsonLinesLogger({ file }), tensorBoardLogger({ directory: folder }))
    send(loggers, [start, ...steps.slice(0, 3)])
    disk.isFull = true
    send(loggers, steps.slice(3, 9))
    disk.isFull = false
    send(loggers, steps.slice(9))
    expect(warn.mock.calls.map(([warning]) => String(warning))).toEqual([
      expect.stringContaining(`jsonLinesLogger: 'directory' must be writable, but got ENOSPC at '${file}'`),
      expect.stringMatching(/^FileSystemError: tensorBoardLogger: .* ENOSPC at/),
    ])
    expect(summaryOf(file)).toEqual(['start ', 'step 1', 'step 2', 'step 3'])
    warn.mockRestore()
  })
})

it('logs a run that is cut and resumed as if it had not been', async () => {
  const engine = createOnnxEngine({ threads: 1 })
  async function train(name: string, killAt?: string) {
    const { options, program, store } = await regression(engine)
    const evaluate = async () => {
      const { loss } = await program.run(regressionBatches(16, { count: 16, seed: 9 })[0]!.inputs, {
        seed: 1,
      })
      return { loss: loss!.data[0]! }
    }
    const result = await fit({
      ...options,
      batches: (epoch) => regressionBatches(4, { seed: epoch, count: 24 }),
      epochs: 3,
      evaluate,
      checkpoints: { directory: join(folder, `${name}-state`), everySteps: 3 },
      onEvent: combineHandlers(
        undefined,
        tensorBoardLogger({ directory: join(folder, name) }),
        jsonLinesLogger({ file: join(folder, `${name}.jsonl`) }),
        (event) => {
          // As a kill would end it: without another checkpoint, in the middle of whatever it does.
          if ('step' in event && `${event.type} ${event.step}` === killAt) throw new Error('killed')
        },
      ),
    }).catch((error: unknown) => error)
    await program.dispose()
    store.dispose()
    return result
  }
  const whole = (await train('whole')) as FitResult
  // At step 6 there is a checkpoint before the evaluation, and so at 12.
  const kills = ['step 2', 'step 5', 'evaluate 6', 'step 8', 'epoch 12', 'evaluate 12']
  for (const kill of kills) expect(await train('cut', kill)).toEqual(new Error('killed'))
  const resumed = (await train('cut')) as FitResult
  expect(resumed.steps).toBe(18)

  const curves = (name: string): Record<string, unknown> => {
    const { 'eval/runtime': times, ...scalars } = readScalars(join(folder, name))
    return { ...scalars, times: times!.map(([step]) => step) }
  }
  expect(curves('whole')['train/loss']).toEqual(
    whole.history.map(({ step, loss }) => [step, Math.fround(loss)]),
  )
  expect(curves('whole').times).toEqual([6, 12, 18])
  expect(curves('cut')).toEqual(curves('whole'))

  const untimed = (name: string) =>
    readLines(join(folder, `${name}.jsonl`))
      .filter(({ type }) => ['step', 'evaluate', 'epoch'].includes(type))
      .map((line) => ({ ...line, time: '', seconds: 0 }))
  expect(untimed('cut')).toEqual(untimed('whole'))
  expect(
    readLines(join(folder, 'cut.jsonl'))
      .filter(({ type }) => type === 'resume')
      .map(({ step }) => step),
  ).toEqual([3, 6, 6, 12, 12])
})
