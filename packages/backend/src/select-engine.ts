import { ArgumentError, EngineError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import type { Engine } from './engine'
import { createOnnxEngine } from './onnx-engine'
import { createTfjsEngine } from './tfjs-engine'
import { openTfjsNode } from './tfjs-node'

/** How an engine may be asked for. */
export type EngineChoice = 'auto' | 'onnx' | 'tfjs'

/** What was considered, and why it was taken or not. */
export interface EngineReport {
  /** The name of the engine in use. */
  readonly chosen: string
  /** In the order in which they were tried; the last is the chosen one. */
  readonly candidates: readonly { readonly name: string; readonly usable: boolean; readonly reason: string }[]
}

interface Selection {
  engine: Engine
  report: EngineReport
}

interface Candidate {
  name: string
  /** Makes the engine, or explains by an error why it cannot. */
  open: () => Promise<Engine>
}

const gpu: Candidate = {
  name: '@tensorflow/tfjs-node-gpu',
  open: () => openTfjsNode('@tensorflow/tfjs-node-gpu'),
}
const node: Candidate = { name: '@tensorflow/tfjs-node', open: () => openTfjsNode('@tensorflow/tfjs-node') }
const onnx: Candidate = { name: 'onnxruntime-node', open: openOnnx }
const registered: Candidate = { name: 'the registered tfjs backend', open: openRegistered }

const candidates: Record<EngineChoice, readonly Candidate[]> = {
  auto: [gpu, onnx, node, registered],
  onnx: [onnx],
  tfjs: [gpu, node, registered],
}

let current: Promise<Selection> | undefined

/**
 * Chooses the engine for everything that follows.
 *
 * `auto` takes tfjs-node-gpu where it is installed and finds a GPU, else the compiled ONNX engine,
 * else tfjs-node, else whatever tfjs backend is registered. `tfjs` takes the first of tfjs-node-gpu,
 * tfjs-node and the registered backend. An {@link Engine} of your own is taken as it is.
 *
 * @returns What was chosen and why.
 * @throws ArgumentError on an unknown choice.
 * @throws EngineError if none of the candidates works; the reasons are in the message, and the engine
 *   that was in use before stays in use.
 */
export async function setEngine(choice: EngineChoice | Engine = 'auto'): Promise<EngineReport> {
  return (await use(typeof choice === 'string' ? select(choice) : Promise.resolve(given(choice)))).report
}

/** The engine in use; chosen automatically at the first call. */
export async function getEngine(): Promise<Engine> {
  return (await (current ?? use(select('auto')))).engine
}

/** What {@link getEngine} gives, and why. */
export async function engineReport(): Promise<EngineReport> {
  return (await (current ?? use(select('auto')))).report
}

/** Makes a selection the current one, unless it fails. */
async function use(selection: Promise<Selection>): Promise<Selection> {
  const previous = current
  current = selection
  try {
    return await selection
  } catch (error) {
    if (current === selection) current = previous
    throw error
  }
}

function given(engine: Engine): Selection {
  const reason = 'given by the caller'
  return {
    engine,
    report: { chosen: engine.name, candidates: [{ name: engine.name, usable: true, reason }] },
  }
}

async function select(choice: EngineChoice): Promise<Selection> {
  if (!Object.hasOwn(candidates, choice)) throw unknownChoice(choice)
  const tried: EngineReport['candidates'][number][] = []
  for (const { name, open } of candidates[choice]) {
    try {
      const engine = await open()
      tried.push({ name, usable: true, reason: engine.description })
      return { engine, report: { chosen: engine.name, candidates: tried } }
    } catch (error) {
      tried.push({ name, usable: false, reason: firstLine(error) })
    }
  }
  const onlyOnnx = choice === 'onnx'
  throw new EngineError({
    function: 'setEngine',
    argument: 'engine',
    expected: 'one that works on this machine',
    received: `'${choice}' (${tried.map(({ name, reason }) => `${name}: ${reason}`).join('; ')})`,
    remedy: onlyOnnx
      ? 'Reinstall onnxruntime-node for this machine, or use another engine.'
      : "Install '@tensorflow/tfjs-node', import a tfjs backend before, or call setEngine('auto').",
  })
}

async function openOnnx(): Promise<Engine> {
  const engine = createOnnxEngine()
  const probe = await engine.compile(({ inputs }) => ({ y: tf.add(inputs.x as tf.Tensor, 1) }), {
    inputs: { x: { shape: [1] } },
  })
  await probe.run({ x: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } })
  await probe.dispose()
  return engine
}

async function openRegistered(): Promise<Engine> {
  const [first] = Object.keys(tf.engine().registryFactory)
  if (first === undefined) throw new Error('none is registered')
  return createTfjsEngine(tf.engine().backendName || first)
}

/** Failures of native modules go on for many lines. */
const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''

const unknownChoice = (choice: string) =>
  new ArgumentError({
    function: 'setEngine',
    argument: 'engine',
    expected: `'${Object.keys(candidates).join("', '")}' or an Engine`,
    received: `'${choice}'`,
    remedy: "Use 'auto' unless you need a certain engine.",
  })
