import { readFileSync } from 'node:fs'
import { transfer } from '@tfx/sentiment'
import { check } from './check.cjs'

const { codePackages } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
check('transfer', { transfer })
for (const name of codePackages) check(name, await import(name))
console.log(`imported ${codePackages.length} packages`)
