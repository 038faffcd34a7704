import '@tensorflow/tfjs-backend-cpu'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu'
import { tf } from '@tfx/compiler'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createOnnxEngine, type Engine, engineReport, getEngine, setEngine } from '../src/index'
import { float32, get } from './engines'

// The real packages download a binary when they are installed; what stands in for them here is
// tfjs-cpu under the name that they register.
const start = process.cwd()
let project: string

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'tfx-engine-'))
  process.chdir(project)
})

afterEach(async () => {
  process.chdir(start)
  rmSync(project, { recursive: true })
  if ('tensorflow' in tf.engine().registryFactory) tf.removeBackend('tensorflow')
  await tf.setBackend('cpu')
})

/** Puts a package into the project that is the working directory. */
function install(name: string, source: string): void {
  const directory = join(project, 'node_modules', name)
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name, version: '4.22.0', main: 'index.js' }),
  )
  writeFileSync(join(directory, 'index.js'), source)
}

for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('cpu')) {
  tf.registerKernel({ kernelName, kernelFunc, backendName: 'tensorflow' })
}
Object.assign(globalThis, {
  registerStandIn(properties: object) {
    tf.registerBackend('tensorflow', () => Object.assign(new MathBackendCPU(), properties))
  },
})
const standIn = (properties: object) => `globalThis.registerStandIn(${JSON.stringify(properties)})`

const [gpu, node] = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']
const onnxReason = 'compiled to ONNX, run by onnxruntime-node on the CPU with a thread per core'

/** That the engine in use computes. */
async function twice(): Promise<unknown> {
  const engine = await getEngine()
  const program = await engine.compile(({ inputs }) => ({ y: tf.mul(get(inputs, 'x'), 2) }), {
    inputs: { x: { shape: [2] } },
  })
  const { y } = await program.run({ x: float32([1, 2]) })
  await program.dispose()
  return [...(y?.data ?? [])]
}

describe("setEngine('auto')", () => {
  it('takes onnx where no GPU package is installed, also without being called', async () => {
    const expected = {
      chosen: 'onnx',
      candidates: [
        { name: gpu, usable: false, reason: 'not installed' },
        { name: 'onnxruntime-node', usable: true, reason: onnxReason },
      ],
    }
    expect(await engineReport()).toEqual(expected)
    expect(await setEngine('auto')).toEqual(expected)
    expect(await twice()).toEqual([2, 4])
  })

  it('takes the GPU package where it finds a GPU', async () => {
    install(gpu, standIn({ isUsingGpuDevice: true }))
    expect(await setEngine()).toEqual({
      chosen: 'tfjs:tensorflow',
      candidates: [
        { name: gpu, usable: true, reason: "run eagerly by the TensorFlow.js backend 'tensorflow'" },
      ],
    })
    expect(await twice()).toEqual([2, 4])
  })

  it.each([
    [
      'cannot be loaded',
      "throw new Error('libcudart.so.11.0: cannot open\\nmany more lines')",
      'libcudart.so.11.0: cannot open',
    ],
    ['registers nothing', '', "it registers no backend 'tensorflow'"],
    ['finds no GPU', standIn({ isUsingGpuDevice: false }), 'it finds no GPU'],
  ])('passes over a GPU package that %s', async (_, source, reason) => {
    install(gpu, source)
    const { chosen, candidates } = await setEngine('auto')
    expect(chosen).toBe('onnx')
    expect(candidates[0]).toEqual({ name: gpu, usable: false, reason })
    expect(tf.getBackend()).toBe('cpu')
    expect(await twice()).toEqual([2, 4])
  })
})

describe("setEngine('tfjs')", () => {
  it('takes tfjs-node, which needs no GPU', async () => {
    install(node, standIn({ isUsingGpuDevice: false }))
    const { chosen, candidates } = await setEngine('tfjs')
    expect(chosen).toBe('tfjs:tensorflow')
    expect(candidates.map(({ name, usable }) => [name, usable])).toEqual([
      [gpu, false],
      [node, true],
    ])
    expect(await twice()).toEqual([2, 4])
  })

  it('takes the backend that is registered', async () => {
    const { chosen, candidates } = await setEngine('tfjs')
    expect(chosen).toBe('tfjs:cpu')
    expect(candidates.at(-1)?.name).toBe('the registered tfjs backend')
    expect(await twice()).toEqual([2, 4])
  })

  it('says why if there is none, and keeps the engine that was in use', async () => {
    await setEngine('onnx')
    const factory = tf.engine().registryFactory
    const { cpu } = factory
    delete factory.cpu
    try {
      await expect(setEngine('tfjs')).rejects.toThrow(
        "setEngine: 'engine' must be one that works on this machine, but got 'tfjs' " +
          `(${gpu}: not installed; ${node}: not installed; the registered tfjs backend: none is registered). ` +
          "Install '@tensorflow/tfjs-node', import a tfjs backend before, or call setEngine('auto').",
      )
    } finally {
      factory.cpu = cpu!
    }
    expect((await getEngine()).name).toBe('onnx')
  })
})

it('takes an engine of your own', async () => {
  const own: Engine = { ...createOnnxEngine({ threads: 1 }), name: 'own' }
  expect(await setEngine(own)).toEqual({
    chosen: 'own',
    candidates: [{ name: 'own', usable: true, reason: 'given by the caller' }],
  })
  expect(await getEngine()).toBe(own)
  expect(own.description).toContain('with 1 thread')
})

it('refuses a choice that it does not know', async () => {
  await expect(setEngine('cuda' as 'auto')).rejects.toThrow(
    "setEngine: 'engine' must be 'auto', 'onnx', 'tfjs' or an Engine, but got 'cuda'.",
  )
})
