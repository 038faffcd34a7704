import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeWriteFailure, FileSystemError, isTfxError, writeDirectory } from '../src/index'

let parent: string
let target: string

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tfx-files-'))
  target = join(parent, 'model')
})
afterEach(() => rmSync(parent, { recursive: true }))

const caller = 'save'
const write = (text: string) => (temporary: string) => writeFile(join(temporary, 'a.txt'), text)
const systemError = (code: string) => Object.assign(new Error(code), { code })

/** Relative path → content of every file, hidden ones too. */
function filesIn(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(directory.length + 1), readFileSync(path, 'utf8')]
    }),
  )
}

describe('writeDirectory', () => {
  it('makes a directory, with its parents and nested files', async () => {
    const nested = join(parent, 'x', 'y')
    await writeDirectory(
      nested,
      async (temporary) => {
        await write('one')(temporary)
        await mkdir(join(temporary, 'onnx'))
        await writeFile(join(temporary, 'onnx', 'b.txt'), 'two')
      },
      { caller },
    )
    expect(filesIn(parent)).toEqual({ 'x/y/a.txt': 'one', 'x/y/onnx/b.txt': 'two' })
  })

  it('shows nothing under the final name before all is written', async () => {
    await writeDirectory(
      target,
      async (temporary) => {
        await write('one')(temporary)
        expect(readdirSync(parent)).not.toContain('model')
      },
      { caller },
    )
    expect(readdirSync(parent)).toEqual(['model'])
  })

  it('takes an empty directory', async () => {
    mkdirSync(target)
    await writeDirectory(target, write('one'), { caller })
    expect(filesIn(parent)).toEqual({ 'model/a.txt': 'one' })
  })

  describe('where files are', () => {
    beforeEach(() => {
      mkdirSync(target)
      writeFileSync(join(target, 'old.txt'), 'old')
    })

    it('refuses before anything is written', async () => {
      const fill = () => Promise.reject(new Error('must not be called'))
      const call = writeDirectory(target, fill, { caller })
      await expect(call).rejects.toThrow(FileSystemError)
      await expect(call).rejects.toThrow(
        `save: 'directory' must be a new or empty directory, but got '${target}', which has files in it. ` +
          'Choose another directory, or pass { overwrite: true } to replace it.',
      )
      expect(filesIn(parent)).toEqual({ 'model/old.txt': 'old' })
    })

    it('replaces all of them if told to', async () => {
      await writeDirectory(target, write('new'), { caller, overwrite: true })
      expect(filesIn(parent)).toEqual({ 'model/a.txt': 'new' })
      expect(readdirSync(parent)).toEqual(['model'])
    })

    it('never replaces what is of another kind', async () => {
      const options = { caller, overwrite: true, marker: 'config.json' }
      await expect(writeDirectory(target, write('new'), options)).rejects.toThrow(
        `save: 'directory' must be a directory that is empty or has config.json in it, to replace it, but got ` +
          `'${target}', which has other files in it.`,
      )
      expect(filesIn(parent)).toEqual({ 'model/old.txt': 'old' })
      writeFileSync(join(target, 'config.json'), '{}')
      await writeDirectory(target, write('new'), options)
      expect(filesIn(parent)).toEqual({ 'model/a.txt': 'new' })
    })

    it.each([
      ['ENOSPC', 'Free some disk space and call it again; nothing that was there before has been changed.'],
      ['EDQUOT', 'Your disk quota is used up: free some space and call it again.'],
      ['EROFS', 'Choose a directory on a disk that is not read-only.'],
    ])('keeps them through %s in mid-write', async (code, remedy) => {
      const error = systemError(code)
      const call = writeDirectory(
        target,
        async (temporary) => {
          await write('half')(temporary)
          throw error
        },
        { caller, overwrite: true },
      )
      await expect(call).rejects.toThrow(
        expect.objectContaining({
          code: 'ERR_TFX_FILE_SYSTEM',
          message: `save: 'directory' must be writable, but got ${code} at '${target}'. ${remedy}`,
          cause: error,
        }),
      )
      expect(filesIn(parent)).toEqual({ 'model/old.txt': 'old' })
      expect(readdirSync(parent)).toEqual(['model'])
    })

    it('keeps them through any other failure, which it passes on', async () => {
      const error = new Error('a bug')
      const call = writeDirectory(target, () => Promise.reject(error), { caller, overwrite: true })
      await expect(call).rejects.toBe(error)
      expect(filesIn(parent)).toEqual({ 'model/old.txt': 'old' })
    })
  })

  it.runIf(process.platform === 'linux')('says so when the disk really is full', async () => {
    const call = writeDirectory(target, () => writeFile('/dev/full', 'too much'), { caller })
    await expect(call).rejects.toThrow(
      `save: 'directory' must be writable, but got ENOSPC at '${target}'. Free some disk`,
    )
    expect(readdirSync(parent)).toEqual([])
  })

  it.each([false, true])('leaves a file alone that has the name (overwrite %s)', async (overwrite) => {
    writeFileSync(target, 'a file')
    const call = writeDirectory(target, write('one'), { caller, overwrite })
    await expect(call).rejects.toThrow(
      `ENOTDIR at '${target}'. Choose a path that is not a file, nor below one.`,
    )
    expect(filesIn(parent)).toEqual({ model: 'a file' })
  })

  it('says so where a parent is a file', async () => {
    writeFileSync(target, 'a file')
    const call = writeDirectory(join(target, 'below'), write('one'), { caller })
    await expect(call).rejects.toThrow(
      `save: 'directory' must be writable, but got ENOTDIR at '${target}/below'. Choose a path that is not a file, nor below one.`,
    )
    expect(filesIn(parent)).toEqual({ model: 'a file' })
  })
})

it('describeWriteFailure passes errors on that it does not know', () => {
  for (const error of [systemError('EIO'), new Error('x'), 'text', undefined]) {
    expect(describeWriteFailure(error, { caller, directory: 'x' })).toBe(error)
  }
  expect(isTfxError(describeWriteFailure(systemError('EACCES'), { caller, directory: 'x' }))).toBe(true)
})
