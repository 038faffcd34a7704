import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The path of a file in the repository's `fixtures/`, for instance `fixturePath('data/reviews.csv')`. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))
}

/**
 * The content of a JSON fixture.
 *
 * @param name The path under `fixtures/` without its ending: `metrics/classification`.
 * @returns What the file holds, taken to be a `T`: fixtures are ours and are not checked.
 */
export function loadFixture<T>(name: string): T {
  return JSON.parse(readFileSync(fixturePath(`${name}.json`), 'utf8')) as T
}

/**
 * The content of a binary fixture of little-endian float32 numbers.
 *
 * @param name The path under `fixtures/`, with its ending: `backend/layer-norm.bin`.
 */
export function loadFloat32Fixture(name: string): Float32Array {
  // Copied so that the view starts at an aligned offset.
  return new Float32Array(new Uint8Array(readFileSync(fixturePath(name))).buffer)
}
