/** Every check beside the tests: what it is called and the npm script that runs it. */
export const gates = [
  { name: 'format', script: 'check:format' },
  { name: 'lint', script: 'check:lint' },
  { name: 'types', script: 'check:types' },
  { name: 'layers', script: 'check:layers' },
  { name: 'unused code and dependencies', script: 'check:unused' },
  { name: 'publint and attw', script: 'check:packages' },
  { name: 'README examples', script: 'check:readme' },
  { name: 'consumers of the packed packages', script: 'check:consumers' },
  { name: 'demo', script: 'check:demo' },
  { name: 'changesets', script: 'check:changesets' },
]
