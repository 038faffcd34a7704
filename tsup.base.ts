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
    // CommonJS has no import.meta: the address of a module is computed instead.
    esbuildOptions(build, { format }) {
      if (format !== 'cjs') return
      build.define = { ...build.define, 'import.meta.url': 'moduleUrl' }
      build.banner = { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" }
    },
    ...options,
  })
