import { defineConfig, type Options } from 'tsup'

/** One build for every package: ESM and CommonJS side by side, each with its own declarations. */
export const library = (options: Options = {}) =>
  defineConfig({
    entry: ['src/index.ts'],
    // Without the root's paths: another package is what its own build declares.
    tsconfig: '../../tsconfig.base.json',
    format: ['esm', 'cjs'],
    dts: true,
    clean: true,
    target: 'node20',
    treeshake: true,
    splitting: false,
    ...options,
  })
