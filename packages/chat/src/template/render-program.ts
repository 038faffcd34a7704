import { pythonSemantics } from './python-semantics'
import { pythonValues } from './python-values'

/**
 * What the process of a template runs: the Jinja library and nothing else. It is text, so that it needs no file beside every
 * bundle of this package, and plain JavaScript, since nothing compiles it.
 */
export const renderProgram = `
const { Environment, Interpreter, Template, parse, tokenize } = require(process.argv[1])

${pythonValues}${pythonSemantics}let template
process.on('disconnect', () => process.exit())
process.on('message', ({ source, items, characters }) => {
  try {
    template ??= new Template(source)
  } catch (error) {
    return process.send({ failure: { reason: 'syntax', message: String(error?.message).slice(0, 500) } })
  }
  const texts = []
  try {
    for (const item of items) texts.push(template.render(item))
    const isLong = texts.some((text) => text.length > characters)
    process.send(isLong ? { failure: { reason: 'length' } } : { texts })
  } catch (error) {
    const reason = error instanceof Refusal ? 'refusal' : 'render'
    process.send({ failure: { reason, item: texts.length, message: String(error?.message).slice(0, 500) } })
  }
})
process.send({ texts: [] })
`
