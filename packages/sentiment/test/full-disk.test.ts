import { readdir, readFile } from 'node:fs/promises'
import type * as FileSystem from 'node:fs/promises'
import { dirname } from 'node:path'
import { failureOf } from '@tfx/testing'
import { expect, it, vi } from 'vitest'
import { transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const disk = vi.hoisted(() => ({ isFull: false }))

// The last file that save writes is one too many.
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FileSystem>()
  const writeFile: typeof real.writeFile = (path, ...rest) => {
    if (!disk.isFull || typeof path !== 'string' || !path.endsWith('model_quantized.onnx'))
      return real.writeFile(path, ...rest)
    return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))
  }
  return { ...real, default: { ...real, writeFile }, writeFile }
})

const folders = temporaryFolders()

it('leaves what was there whole, and nothing half written, when the disk is full', async () => {
  const model = await transfer(base, toyRows(['no', 'yes']), { ...quick, epochs: 0.1 })
  const [old, fresh] = [folders.path('old'), folders.path('fresh')]
  await model.save(old)
  const before = await readFile(`${old}/model.safetensors`)
  disk.isFull = true
  for (const [directory, overwrite] of [
    [old, true],
    [fresh, false],
  ] as const) {
    const error = await failureOf(model.save(directory, { overwrite }))
    expect(error.name).toBe('FileSystemError')
    expect(error.message).toBe(
      `save: 'directory' must be writable, but got ENOSPC at '${directory}'. ` +
        'Free some disk space and call it again; nothing that was there before has been changed.',
    )
  }
  expect(await readdir(dirname(old))).toEqual(['old'])
  expect(await readFile(`${old}/model.safetensors`)).toEqual(before)
  expect(await readdir(`${old}/onnx`)).toEqual(['model.onnx', 'model_quantized.onnx'])
  disk.isFull = false
  await model.save(fresh)
  await model.dispose()
})
