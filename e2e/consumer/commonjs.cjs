const { codePackages } = require('./package.json')
const { check } = require('./check.cjs')

for (const name of codePackages) check(name, require(name))
console.log(`required ${codePackages.length} packages`)
