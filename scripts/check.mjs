// Runs every gate, also after one has failed. With `--tests <file>` it adds the results that vitest's JSON
// reporter wrote there, and ends with the line 'N passed, N failed'.
import { existsSync } from 'node:fs'
import { gates } from './gates.mjs'
import { readJson, run } from './workspace.mjs'

const failed = []
for (const { name, script } of gates) {
  const started = performance.now()
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`
  try {
    run('npm', ['run', '--silent', script])
    console.log(`passed  ${name} (${seconds()})`)
  } catch (error) {
    failed.push(name)
    console.log(`FAILED  ${name} (${seconds()})\n${error.message}`)
  }
}

const tests = testResults()
console.log(`Gates: ${failed.length === 0 ? 'all passed' : `failed: ${failed.join(', ')}`}.`)
console.log(`${gates.length - failed.length + tests.passed} passed, ${failed.length + tests.failed} failed`)
process.exitCode = failed.length + tests.failed === 0 ? 0 : 1

function testResults() {
  const option = process.argv.indexOf('--tests')
  if (option === -1) return { passed: 0, failed: 0 }
  const path = process.argv[option + 1]
  // No report means that the tests did not even start.
  if (!existsSync(path)) return { passed: 0, failed: 1 }
  const { numPassedTests, numFailedTests, success } = readJson(path)
  // A file that cannot be loaded, or an error outside any test, fails the run without failing a test.
  return { passed: numPassedTests, failed: success ? 0 : Math.max(1, numFailedTests) }
}
