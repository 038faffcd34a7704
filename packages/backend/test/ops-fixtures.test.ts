import { describe, expect, it } from 'vitest'
import { engines } from './engines'
import { expectClose, loadCases } from './fixture-tensors'
import { ops } from './ops'
import { caseInputs, compileCase } from './run-case'

// Relative to the largest entry of each tensor. Measured: 2e-6 for the GELU of tanh, else about 1e-6.
const tolerance = 5e-6

const cases = Object.keys(ops).flatMap((op) =>
  loadCases(op).map((fixture) => ({ op, fixture, title: `${op}, ${fixture.name}` })),
)
// tfjs-cpu takes long: it sums an embedding's gradient by a pass over all ids for each row of the table.
const tooSlowForTfjs = /(embedding|linear), real|entropy, real size, (?!mean, smoothing 0.1)/
const isReal = (title: string) => title.includes('real size')

describe.each(engines)('on the %s engine, as in PyTorch:', (engineName, engine) => {
  it.each(cases.filter(({ title }) => engineName !== 'tfjs' || !tooSlowForTfjs.test(title)))(
    '$title',
    async ({ op, fixture }) => {
      const program = await compileCase(engine, op, { fixture })
      const inputs = caseInputs(fixture)
      // Again and again with two threads: what races does not always lose.
      const repeats = engineName === 'onnx' ? 10 : 1
      for (let repeat = 0; repeat < repeats; repeat++) {
        const { outputs, gradients } = await program.run(inputs)
        for (const [name, expected] of Object.entries(fixture.outputs)) {
          expectClose(outputs[name]!, expected, tolerance)
        }
        for (const [name, expected] of Object.entries(fixture.gradients)) {
          expectClose(gradients[name]!, expected, tolerance)
        }
      }
      await program.dispose()
    },
  )

  it.each(cases.filter(({ title }) => !isReal(title)))(
    '$title, at any batch size',
    async ({ op, fixture }) => {
      const program = await compileCase(engine, op, { fixture, dynamic: true })
      const { outputs, gradients } = await program.run(caseInputs(fixture))
      for (const [name, expected] of Object.entries(fixture.outputs)) {
        expectClose(outputs[name]!, expected, tolerance)
      }
      for (const [name, gradient] of Object.entries(gradients)) {
        expectClose(gradient, fixture.gradients[name] as never, tolerance)
      }
      expect(Object.keys(outputs)).toEqual(expect.arrayContaining(Object.keys(fixture.outputs)))
      await program.dispose()
    },
  )
})
