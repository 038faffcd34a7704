import { createRequire } from 'node:module'
import * as util from 'node:util'
import { EngineError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import type { Engine } from './engine'
import { createOnnxEngine } from './onnx-engine'
import { createTfjsEngine } from './tfjs-engine'

/** How an engine may be asked for. */
export type EngineChoice = 'auto' | 'onnx' | 'tfjs'

/** What was considered, and why it was taken or not. */
export interface EngineReport {
  readonly chosen: string
  readonly candidates: readonly { readonly name: string; readonly usable: boolean; readonly reason: string }[]
}

interface Candidate {
  name: string
  /** Makes the engine, or explains by an error why it cannot. */
  open(): Promise<Engine>
}

const gpu: Candidate = { name: '@tensorflow/tfjs-node-gpu', open: () => openTfjsNode('@tensorflow/tfjs-node-gpu') }
const node: Candidate = { name: '@tensorflow/tfjs-node', open: () => openTfjsNode('@tensorflow/tfjs-node') }
const onnx: Candidate = { name: 'onnxruntime-node', open: openOnnx }
const registered: Candidate = {
  name: 'a tfjs backend that the program has registered',
  open: () => Promise.resolve(createTfjsEngine()),
}

const candidates: Record<EngineChoice, readonly Candidate[]> = {
  auto: [gpu, onnx, node, registered],
  onnx: [onnx],
  tfjs: [gpu, node, registered],
}

let current: Promise<{ engine: Engine; report: EngineReport }> | undefined

/**
 * Chooses the engine for everything that follows.
 *
 * `auto` takes tfjs-node-gpu where it is installed and finds a GPU, else the compiled ONNX engine,
 * else tfjs-node, else whatever tfjs backend is registered. An {@link Engine} of your own is taken as it is.
 *
 * @returns What was chosen and why.
 * @throws EngineError if none of the candidates works; the reasons are in the message.
 */
export async function setEngine(choice: EngineChoice | Engine = 'auto'): Promise<EngineReport> {
  current = typeof choice === 'string' ? select(choice) : Promise.resolve(given(choice))
  return (await current).report
}

/** The engine in use; chosen automatically at the first call. */
export async function getEngine(): Promise<Engine> {
  current ??= select('auto')
  return (await current).engine
}

/** What {@link getEngine} gives, and why. */
export async function engineReport(): Promise<EngineReport> {
  current ??= select('auto')
  return (await current).report
}

function given(engine: Engine) {
  const reason = 'given by the caller'
  return { engine, report: { chosen: engine.name, candidates: [{ name: engine.name, usable: true, reason }] } }
}

async function select(choice: EngineChoice): Promise<{ engine: Engine; report: EngineReport }> {
  const tried: EngineReport['candidates'][number][] = []
  for (const { name, open } of candidates[choice] ?? candidates.auto) {
    try {
      const engine = await open()
      tried.push({ name, usable: true, reason: engine.description })
      return { engine, report: { chosen: engine.name, candidates: tried } }
    } catch (error) {
      tried.push({ name, usable: false, reason: (error as Error).message })
    }
  }
  current = undefined
  throw new EngineError({
    function: 'setEngine',
    argument: 'engine',
    expected: 'one that works on this machine',
    received: `'${choice}': ${tried.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`,
    remedy: "Reinstall with the optional dependencies, or call setEngine('auto').",
  })
}

async function openOnnx(): Promise<Engine> {
  const engine = createOnnxEngine()
  const probe = await engine.compile(({ inputs }) => ({ y: tf.add(inputs['x'] as tf.Tensor, 1) }), {
    inputs: { x: { shape: [1] } },
  })
  await probe.run({ x: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } })
  await probe.dispose()
  return engine
}

/** Loads an optional package, proves that it multiplies, and on the GPU package that there is a GPU. */
async function openTfjsNode(name: string): Promise<Engine> {
  restoreRemovedUtilities()
  // From the user's project: the package is an optional peer, which this one may not find by itself.
  const require = createRequire(`${process.cwd()}/package.json`)
  let path: string
  try {
    path = require.resolve(name)
  } catch {
    throw new Error('not installed')
  }
  require(path)
  await tf.setBackend('tensorflow')
  const product = tf.matMul(tf.ones([2, 2]), tf.ones([2, 2]))
  const [first] = await product.data()
  product.dispose()
  if (first !== 2) throw new Error('it computes wrong products')
  const backend = tf.backend() as unknown as { isUsingGpuDevice?: boolean }
  if (name.endsWith('gpu') && backend.isUsingGpuDevice !== true) throw new Error('it finds no GPU')
  return createTfjsEngine('tensorflow')
}

/** tfjs-node 4.22 calls functions of node:util that Node 23 removed. */
function restoreRemovedUtilities(): void {
  const legacy: Record<string, (value: unknown) => boolean> = {
    isNullOrUndefined: (value) => value === null || value === undefined,
    isArray: Array.isArray,
    isString: (value) => typeof value === 'string',
    isNumber: (value) => typeof value === 'number',
    isBoolean: (value) => typeof value === 'boolean',
    isFunction: (value) => typeof value === 'function',
    isObject: (value) => typeof value === 'object' && value !== null,
  }
  const target = ((util as { default?: object }).default ?? util) as Record<string, unknown>
  for (const [name, implementation] of Object.entries(legacy)) target[name] ??= implementation
}
