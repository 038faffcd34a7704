/**
 * What the process of a template runs: the Jinja library and nothing else. It is text, so that it needs no file beside every
 * bundle of this package, and plain JavaScript, since nothing compiles it.
 */
export const renderProgram = `
const { Environment, Interpreter, Template, parse, tokenize } = require(process.argv[1])

// The library's strip, lstrip and rstrip do not hear which characters to strip; Qwen's templates say it.
const { constructor: Text } = new Interpreter(new Environment()).run(parse(tokenize('x')))
const { get } = Object.getOwnPropertyDescriptor(Text.prototype, 'builtins')
const ends = { strip: ['start', 'end'], lstrip: ['start'], rstrip: ['end'] }
const stripped = (text, characters, where) => {
  let start = 0
  let end = text.length
  while (where.includes('start') && start < end && characters.includes(text[start])) start += 1
  while (where.includes('end') && start < end && characters.includes(text[end - 1])) end -= 1
  return text.slice(start, end)
}
Object.defineProperty(Text.prototype, 'builtins', {
  get() {
    if (this._builtins) return this._builtins
    const methods = get.call(this)
    for (const [name, where] of Object.entries(ends)) {
      const { constructor: Callable, value: strip } = methods.get(name)
      const better = ([characters, ...others], scope) =>
        characters instanceof Text
          ? new Text(stripped(this.value, characters.value, where))
          : strip([characters, ...others], scope)
      methods.set(name, new Callable(better))
    }
    return methods
  },
})

let template
process.on('disconnect', () => process.exit())
process.on('message', ({ source, items, characters }) => {
  try {
    template ??= new Template(source)
  } catch (error) {
    return process.send({ failure: { reason: 'syntax', message: String(error?.message).slice(0, 500) } })
  }
  try {
    const texts = items.map((item) => template.render(item))
    const isLong = texts.some((text) => text.length > characters)
    process.send(isLong ? { failure: { reason: 'length' } } : { texts })
  } catch (error) {
    process.send({ failure: { reason: 'render', message: String(error?.message).slice(0, 500) } })
  }
})
process.send({ texts: [] })
`
