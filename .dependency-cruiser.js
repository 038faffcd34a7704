/** Which packages each package may import: arrows point down only. Same-layer imports must be listed here. */
const layers = {
  // Layer 0
  common: [],
  compiler: ['common'],
  backend: ['common', 'compiler'],
  // Layer 1
  core: ['common', 'compiler', 'backend'],
  train: ['common', 'compiler', 'backend'],
  data: ['common'],
  metrics: ['common'],
  // Layer 2
  transfer: ['common', 'compiler', 'backend', 'core', 'train', 'data', 'metrics'],
  // Layer 3
  sentiment: ['common', 'compiler', 'backend', 'core', 'train', 'data', 'metrics', 'transfer'],
  translation: ['common', 'compiler', 'backend', 'core', 'train', 'data', 'metrics', 'transfer'],
  summarization: ['common', 'compiler', 'backend', 'core', 'train', 'data', 'metrics', 'transfer'],
  chat: ['common', 'compiler', 'backend', 'core', 'train', 'data', 'metrics', 'transfer'],
  // Layer 4
  cli: ['common', 'backend', 'core', 'sentiment', 'chat'],
  // Outside the layers
  'base-encoder': [],
  'base-seq2seq': [],
  'base-decoder': [],
  'base-recipes': [],
  testing: ['common'],
}

const onlyDownward = Object.entries(layers).map(([name, below]) => ({
  name: `layer-of-${name}`,
  comment: `@tfx/${name} may import ${below.join(', ') || 'no other package'}.`,
  severity: 'error',
  from: { path: `^packages/${name}/src/` },
  to: { path: `^packages/(?!(${[name, ...below].join('|')})/)` },
}))

/** A library that one package owns, and through which all others reach it. */
const onlyOwner = (owner, library) => ({
  name: `only-${owner}-imports-${library.replace(/\W+/g, '-')}`,
  severity: 'error',
  from: { path: '^packages/[^/]+/src/', pathNot: `^packages/${owner}/` },
  to: { path: `(^|/)${library}(/|$)` },
})

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...onlyDownward,
    {
      name: 'package-without-a-layer',
      comment: 'Say in .dependency-cruiser.js which packages it may import.',
      severity: 'error',
      from: { path: `^packages/(?!(${Object.keys(layers).join('|')})/)[^/]+/src/` },
      to: {},
    },
    onlyOwner('compiler', '@tensorflow/tfjs-core'),
    onlyOwner('backend', 'onnxruntime-node'),
    {
      name: 'no-cycle',
      comment: 'Imports of types alone may go round: they are gone when the program runs.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-internals-of-another-package',
      comment: "Import the package's own exports.",
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/[^/]+/src/', pathNot: '^packages/($1/|[^/]+/src/index\\.ts$)' },
    },
    {
      name: 'no-undeclared-dependency',
      comment: 'What the sources import must be among the dependencies of their package.json.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '^packages/testing/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'],
        // An optional peer is among the development dependencies too, for the tests.
        dependencyTypesNot: ['npm-peer'],
      },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
