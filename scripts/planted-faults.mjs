// The faults that scripts/prove-gates.mjs plants, and what the gate must say of each.

const scratch = 'packages/metrics/src/planted.ts'
const code = (source) => () => source
const append = (source) => (text) => text + source
const replace = (from, to) => (text) => {
  if (!text.includes(from)) throw new Error(`nothing to replace: ${from}`)
  return text.replace(from, to)
}
const dependency = (name, version) =>
  replace('"dependencies": {', `"dependencies": { "${name}": "${version}",`)

/**
 * `gate` is an npm script, `edits` maps a file to what becomes of its text (a new file's is empty), and the
 * gate's output must match `says`.
 */
export const faults = [
  {
    gate: 'check:format',
    fault: 'a semicolon',
    edits: { [scratch]: code('export const planted = 1;\n') },
    says: /planted\.ts/,
  },
  {
    gate: 'check:lint',
    fault: 'a floating promise',
    edits: { [scratch]: code('Promise.resolve()\n') },
    says: /no-floating-promises/,
  },
  {
    gate: 'check:lint',
    fault: 'four parameters',
    edits: { [scratch]: code('export const f = (a: 1, b: 1, c: 1, d: 1): 1[] => [a, b, c, d]\n') },
    says: /max-params/,
  },
  {
    gate: 'check:lint',
    fault: 'console in a library',
    edits: { [scratch]: code("console.log('planted')\n") },
    says: /no-console/,
  },
  {
    gate: 'check:lint',
    fault: 'a default export',
    edits: { [scratch]: code('export default 1\n') },
    says: /Export by name/,
  },
  {
    gate: 'check:lint',
    fault: 'an any',
    edits: { [scratch]: code('export const planted = (value: any): void => value\n') },
    says: /no-explicit-any/,
  },
  {
    gate: 'check:lint',
    fault: "another package's src",
    edits: { [scratch]: code("export { sizeOf } from '../../common/src/tensor'\n") },
    says: /no-restricted-imports/,
  },
  {
    gate: 'check:lint',
    fault: 'a file of 400 lines',
    edits: { [scratch]: code('export const planted = [\n' + '  1,\n'.repeat(398) + ']\n') },
    says: /max-lines/,
  },
  {
    gate: 'check:types',
    fault: 'a type error in a test',
    edits: { 'packages/metrics/test/planted.ts': code("export const planted: number = ''\n") },
    says: /TS2322/,
  },
  {
    gate: 'check:types',
    fault: 'an unchecked index',
    edits: { [scratch]: code('export const planted = (all: number[]): number => all[0]\n') },
    says: /TS2322/,
  },
  {
    gate: 'check:layers',
    fault: 'an upward import',
    edits: { 'packages/common/src/planted.ts': code("import '@tfx/metrics'\n") },
    says: /layer-of-common/,
  },
  {
    gate: 'check:layers',
    fault: 'tfjs-core beside the compiler',
    edits: { [scratch]: code("import '@tensorflow/tfjs-core'\n") },
    says: /only-compiler/,
  },
  {
    gate: 'check:layers',
    fault: 'onnxruntime beside the backend',
    edits: { [scratch]: code("import 'onnxruntime-node'\n") },
    says: /only-backend/,
  },
  {
    gate: 'check:layers',
    fault: 'a cycle',
    edits: {
      [scratch]: code("export * from './index'\n"),
      'packages/metrics/src/index.ts': append("export * from './planted'\n"),
    },
    says: /no-cycle: packages\/metrics/,
  },
  {
    gate: 'check:layers',
    fault: "another package's internals",
    edits: { [scratch]: code("import '../../common/src/tensor'\n") },
    says: /no-internals/,
  },
  {
    gate: 'check:layers',
    fault: 'an undeclared dependency',
    edits: { [scratch]: code("import 'fast-check'\n") },
    says: /no-undeclared/,
  },
  {
    gate: 'check:layers',
    fault: 'a package without a layer',
    edits: { 'packages/planted/src/index.ts': code("import 'node:fs'\n") },
    says: /package-without-a-layer/,
  },
  {
    gate: 'check:unused',
    fault: 'a file that nobody imports',
    edits: { [scratch]: code('export {}\n') },
    says: /planted\.ts/,
  },
  {
    gate: 'check:unused',
    fault: 'an unused dependency',
    edits: { 'packages/metrics/package.json': dependency('csv-parse', '7.0.3') },
    says: /csv-parse/,
  },
  {
    gate: 'check:packages',
    fault: 'a file that is not packed',
    edits: { 'packages/metrics/package.json': replace('"./dist/index.cjs"', '"./dist/planted.cjs"') },
    says: /planted\.cjs/,
  },
  {
    gate: 'check:packages',
    fault: 'declarations of the wrong kind',
    edits: { 'packages/metrics/package.json': replace('"./dist/index.d.cts"', '"./dist/index.d.ts"') },
    says: /@tfx\/metrics: '[^']*attw/,
  },
  {
    gate: 'check:readme',
    fault: 'an example that throws',
    edits: { 'packages/metrics/README.md': append("\n```ts\nthrow new Error('planted')\n```\n") },
    says: /planted/,
  },
  {
    gate: 'check:readme',
    fault: 'an example with a type error',
    edits: { 'packages/metrics/README.md': append("\n```ts\nconst planted: number = 'one'\n```\n") },
    says: /not assignable/,
  },
  {
    gate: 'check:consumers',
    fault: 'a line on stderr',
    edits: { 'packages/common/dist/index.js': append("\nconsole.error('planted')\n") },
    says: /wrote to stderr[^]*planted/,
  },
  {
    gate: 'check:consumers',
    fault: 'a CommonJS build that throws',
    edits: { 'packages/common/dist/index.cjs': append("\nthrow new Error('planted')\n") },
    says: /planted/,
  },
  {
    gate: 'check:consumers',
    fault: 'a lost declaration',
    edits: { 'packages/common/dist/index.d.ts': (text) => text.replaceAll('isTfxError', 'planted') },
    says: /isTfxError/,
  },
  {
    gate: 'check:demo',
    fault: 'a learning rate that teaches nothing',
    edits: { 'examples/sentiment/main.js': replace('learningRate: 2e-4', 'learningRate: 1e-9') },
    says: /not: five points above/,
  },
  {
    gate: 'check:changesets',
    fault: 'an unknown package',
    edits: { '.changeset/planted.md': code("---\n'@tfx/planted': minor\n---\n\nPlanted.\n") },
    says: /planted/,
  },
  {
    gate: 'test',
    fault: 'a failing test',
    edits: {
      'packages/metrics/test/planted.test.ts': code(
        "import { expect, test } from 'vitest'\ntest('planted', () => expect(1).toBe(2))\n",
      ),
    },
    says: /expected 1 to be 2/,
  },
  {
    gate: 'test',
    fault: 'a lockfile that is out of date',
    edits: {
      'packages/metrics/package.json': dependency('planted', '1.0.0'),
      'node_modules/.tfx-setup': code(''),
    },
    says: /OUTDATED_LOCKFILE/,
  },
]
