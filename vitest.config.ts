import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { threadBundles } from './scripts/thread-bundles.ts'

const repository = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  plugins: [threadBundles()],
  resolve: {
    // Tests run from the sources of every package: nothing has to be built first.
    alias: [{ find: /^@tfx\/([\w-]+)$/, replacement: `${repository}packages/$1/src/index.ts` }],
  },
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    globalSetup: ['scripts/build-kernels.mjs'],
    setupFiles: ['packages/testing/src/setup.ts'],
    server: {
      deps: {
        // These files are ES modules in a package that Node takes for CommonJS.
        inline: [/tfjs-core\/dist\/(?!tf-core)/],
      },
    },
    pool: 'forks',
    // ONNX Runtime brings its own threads; more workers than this only compete for the cores.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
