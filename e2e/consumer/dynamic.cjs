const { codePackages } = require('./package.json')
const { check } = require('./check.cjs')

Promise.all(codePackages.map(async (name) => check(name, await import(name)))).then(() =>
  console.log(`imported ${codePackages.length} packages from CommonJS`),
)
