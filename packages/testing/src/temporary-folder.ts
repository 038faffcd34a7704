import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/**
 * A folder for one test file, removed at its end; call it outside of tests.
 *
 * @returns The path of a name in the folder, once tests run.
 */
export function temporaryFolder(): (name: string) => string {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tfx-test-'))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))
  return (name) => join(root, name)
}
