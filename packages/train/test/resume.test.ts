import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  adafactor,
  adamW,
  type CheckpointSettings,
  fit,
  type FitOptions,
  TrainingAbortedError,
} from '../src/index'
import { regression, regressionBatches } from './regression'
import { engines } from './stores'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tfx-resume-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** Everything that could go another way after a cut: dropout, order, accumulation, averages, the best. */
const settings = {
  dropoutRate: 0.2,
  gradientAccumulationSteps: 3,
  keepBest: { metric: 'loss', mode: 'min' },
  averaging: { kind: 'ema', decay: 0.9 },
} as const

describe.each(engines)('a run on the %s engine that is cut', (_, engine) => {
  /** A run; `stopAfter` cuts it after so many of its own steps. */
  async function train(
    checkpoints: Partial<CheckpointSettings> | undefined,
    { stopAfter = Infinity, ...changes }: Partial<FitOptions> & { stopAfter?: number } = {},
  ) {
    const { options, weights, store } = await regression(engine, settings)
    const controller = new AbortController()
    let steps = 0
    const run = fit({
      ...options,
      // Another order in each epoch, 11 micro-batches: the last step of an epoch has two.
      batches: (epoch) => regressionBatches(4, { seed: epoch, count: 44 }),
      epochs: 3,
      evaluate: async () => {
        const { loss } = await program.run(regressionBatches(44, { count: 44, seed: 9 })[0]!.inputs, {
          seed: 1,
        })
        return { loss: loss!.data[0]! }
      },
      evaluateEvery: 2,
      signal: controller.signal,
      ...(checkpoints && { checkpoints: { directory, everySteps: 1, ...checkpoints } }),
      onEvent: (event) => {
        if (event.type === 'step' && ++steps === stopAfter) controller.abort()
      },
      ...changes,
    })
    const { program } = options
    const outcome = await run.catch((error: unknown) => error)
    const result = { outcome, weights: await weights() }
    store.dispose()
    return result
  }

  const metricsOf = (outcome: unknown) => {
    const { history, evaluations, best } = outcome as Awaited<ReturnType<typeof fit>>
    const plain = ({ seconds, ...record }: { seconds: number }) => (seconds >= 0 ? record : undefined)
    return { history: history.map(plain), evaluations: evaluations.map(plain), best }
  }

  it('keeps metrics that are no finite numbers', async () => {
    const evaluate = async () => ({ loss: -Infinity, perplexity: Infinity, auc: NaN })
    const whole = await train(undefined, { evaluate })
    await train({}, { evaluate, stopAfter: 7 })
    const resumed = await train({}, { evaluate })
    expect(metricsOf(resumed.outcome)).toEqual(metricsOf(whole.outcome))
    expect(metricsOf(resumed.outcome).best).toMatchObject({ step: 2, value: -Infinity })
  })

  it('ends with the same weights and history, to the bit, wherever it is cut', async () => {
    const whole = await train(undefined)
    expect(metricsOf(whole.outcome).history).toHaveLength(12)
    for (let stopAfter = 1; stopAfter <= 12; stopAfter++) {
      const cut = await train({}, { stopAfter })
      if (stopAfter < 12) expect(cut.outcome).toBeInstanceOf(TrainingAbortedError)
      const resumed = await train({})
      expect(resumed.weights).toEqual(whole.weights)
      expect(metricsOf(resumed.outcome)).toEqual(metricsOf(whole.outcome))
      rmSync(directory, { recursive: true })
    }
  })

  it('also when it is cut again and again', async () => {
    const whole = await train(undefined)
    for (let cuts = 0; cuts < 5; cuts++) await train({}, { stopAfter: 2 })
    const resumed = await train({})
    expect(resumed.weights).toEqual(whole.weights)
    expect(readdirSync(directory)).toHaveLength(2)
  })

  it('passes over a damaged checkpoint and one that was half written', async () => {
    const whole = await train(undefined)
    await train({ keep: 3 }, { stopAfter: 6 })
    const [, second, last] = readdirSync(directory).sort()
    const tensors = join(directory, last!, 'tensors.bin')
    const bytes = readFileSync(tensors)
    bytes[17]! ^= 1
    writeFileSync(tensors, bytes)
    writeFileSync(join(directory, second!, 'state.json'), '{"format":1,"identi')
    const resumed = await train({})
    expect(resumed.weights).toEqual(whole.weights)
  })

  it('says so if every checkpoint is damaged', async () => {
    await train({ keep: 1 }, { stopAfter: 3 })
    const [only] = readdirSync(directory)
    writeFileSync(join(directory, only!, 'tensors.bin'), '')
    const { outcome } = await train({})
    expect(String(outcome)).toContain("a tensors.bin with another checksum in '")
    expect((await train({ resume: false })).outcome).not.toBeInstanceOf(Error)
  })

  it('refuses the checkpoints of another run', async () => {
    await train({ identity: { data: 'a' } }, { stopAfter: 2 })
    const refused = async (checkpoints: Partial<CheckpointSettings>, changes: Partial<FitOptions>) =>
      String((await train(checkpoints, changes)).outcome)
    expect(await refused({ identity: { data: 'a' } }, { seed: 7 })).toContain(
      "'checkpoints.directory' must be the checkpoints of this run, with seed 7, but got those of one with 42.",
    )
    expect(await refused({ identity: { data: 'b' } }, {})).toContain(
      'with data "b", but got those of one with "a"',
    )
    const other = { optimizer: adamW({ betas: [0.8, 0.999] }) }
    expect(await refused({ identity: { data: 'a' } }, other)).toContain(
      'with optimizerSettings {"betas":[0.8,',
    )
    expect(await refused({}, { optimizer: adafactor() })).toContain("a store with the slots 'expAvgSqRow'")
  })

  it('saves when the process is told to end', async () => {
    const whole = await train(undefined)
    const cut = await train(
      { everySteps: 1000 },
      { onEvent: (event) => void (event.type === 'step' && event.step === 5 && process.emit('SIGTERM')) },
    )
    expect(cut.outcome).toBeInstanceOf(TrainingAbortedError)
    expect((cut.outcome as TrainingAbortedError).result.steps).toBe(5)
    expect((await train({})).weights).toEqual(whole.weights)
    expect(process.listenerCount('SIGTERM')).toBe(0)
  })
})
