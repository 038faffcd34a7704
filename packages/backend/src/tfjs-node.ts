import { createRequire } from 'node:module'
import { join } from 'node:path'
import * as util from 'node:util'
import { tf } from '@tfx/compiler'
import type { Engine } from './engine'
import { createTfjsEngine } from './tfjs-engine'

/**
 * Loads tfjs-node or tfjs-node-gpu, proves that it multiplies, and of the GPU package that there is a GPU.
 *
 * @throws Error that says what is wrong with it. The tfjs backend is then what it was before.
 */
export async function openTfjsNode(
  name: '@tensorflow/tfjs-node' | '@tensorflow/tfjs-node-gpu',
): Promise<Engine> {
  const load = findOptional(name)
  const previous = tf.engine().backendName
  try {
    restoreRemovedUtilities()
    load()
    if (!('tensorflow' in tf.engine().registryFactory))
      throw new Error("it registers no backend 'tensorflow'")
    await tf.setBackend('tensorflow')
    const backend = tf.backend() as unknown as { isUsingGpuDevice?: boolean }
    if (name.endsWith('gpu') && backend.isUsingGpuDevice !== true) throw new Error('it finds no GPU')
    await checkProduct()
    return createTfjsEngine('tensorflow')
  } catch (error) {
    if (previous) await tf.setBackend(previous)
    throw error
  }
}

/**
 * Finds a package that is not a dependency: beside this one (where an optional peer is put), beside
 * the program that was started, or in the working directory.
 */
function findOptional(name: string): () => unknown {
  for (const place of [import.meta.url, process.argv[1], join(process.cwd(), 'package.json')]) {
    if (!place) continue
    try {
      const require = createRequire(place)
      const path = require.resolve(name)
      return () => require(path) as unknown
    } catch {
      // Not there: look in the next place.
    }
  }
  throw new Error('not installed')
}

async function checkProduct(): Promise<void> {
  const product = tf.tidy(() => tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])))
  const values = await product.data()
  product.dispose()
  if (values.some((value) => value !== 2)) throw new Error('it computes wrong products')
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
  // The namespace of an ES import is sealed; the module itself is its default.
  const target = ((util as { default?: object }).default ?? util) as Record<string, unknown>
  for (const [name, implementation] of Object.entries(legacy)) target[name] ??= implementation
}
