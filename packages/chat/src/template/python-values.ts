import { pythonSpace } from './python-space'

/**
 * What Python makes of the values of a template: as text and JSON, white space, equality, items. It is JavaScript for the
 * process that renders templates, which has the Jinja library's `Environment`, `Interpreter`, `parse` and `tokenize`.
 */
export const pythonValues = String.raw`
const valueOf = (input) => new Environment().set('x', input)
const evaluated = (expression) => {
  const environment = new Environment()
  new Interpreter(environment).run(parse(tokenize('{% set x = ' + expression + ' %}')))
  return environment.variables.get('x')
}
const [Text, Integer, Float, Bool, List, Dict, None, Undefined, Callable, Tuple] = [
  ...['', 1, 1.5, true, [], {}, null, undefined, () => null].map(valueOf), evaluated('(1, 2)'),
].map(({ constructor }) => constructor)
const isNumber = (value) => value instanceof Integer || value instanceof Float || value instanceof Bool
const typeError = (message) => new TypeError(message)

const leading = /^${pythonSpace}+/
const characters = (text) => Array.from(text)
const isSpace = (character) => leading.test(character)
// Marks of control tokens do not shield what stands beside them.
const isMark = (character) => character === '\ufdd0' || character === '\ufdd1'
const strip = (text, stripped, ends = 'both') => {
  const isStripped = stripped === undefined ? isSpace : (character) => stripped.includes(character)
  let [start, end, before, behind] = [0, text.length, '', '']
  if (ends !== 'end')
    for (; start < end && (isStripped(text[start]) || isMark(text[start])); start += 1)
      if (isMark(text[start])) before += text[start]
  if (ends !== 'start')
    for (; end > start && (isStripped(text[end - 1]) || isMark(text[end - 1])); end -= 1)
      if (isMark(text[end - 1])) behind = text[end - 1] + behind
  return start === end ? '' : before + text.slice(start, end) + behind
}

// How values are written out.
const numberText = (value, isFloat) => {
  // JSON has no whole numbers that JavaScript writes with an exponent.
  if (!isFloat && Math.abs(value) < 1e21) return String(value)
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf'
  if (Object.is(value, -0)) return '-0.0'
  const size = Math.abs(value)
  const [digits, power] = value.toExponential().split('e')
  if (size !== 0 && (size < 1e-4 || size >= 1e16))
    return digits + 'e' + power[0] + power.slice(1).padStart(2, '0')
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}
const escapes = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const textRepr = (text) => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[\\\n\r\t'"]|(?![ \ufdd0-\ufdd4])[\p{C}\p{Z}]/gu, (character) => {
    if (character === "'" || character === '"') return character === quote ? '\\' + character : character
    const known = escapes[character]
    if (known) return known
    const hex = character.codePointAt(0).toString(16)
    return hex.length <= 2 ? '\\x' + hex.padStart(2, '0') : hex.length <= 4 ? '\\u' + hex.padStart(4, '0') : '\\U' + hex.padStart(8, '0')
  })
  return quote + escaped + quote
}
const repr = (value) => (value instanceof Text ? textRepr(value.value) : value instanceof Undefined ? 'Undefined' : str(value))
const str = (value) => {
  if (value instanceof Text) return value.value
  if (value instanceof Undefined) return ''
  if (value instanceof None) return 'None'
  if (value instanceof Bool) return value.value ? 'True' : 'False'
  if (value instanceof Float || value instanceof Integer) return numberText(value.value, value instanceof Float)
  if (value instanceof Tuple && value.value.length === 1) return '(' + repr(value.value[0]) + ',)'
  if (value instanceof Tuple) return '(' + value.value.map(repr).join(', ') + ')'
  if (value instanceof List) return '[' + value.value.map(repr).join(', ') + ']'
  if (value instanceof Dict) return '{' + [...value.value].map(([key, inner]) => textRepr(key) + ': ' + repr(inner)).join(', ') + '}'
  throw typeError('a ' + value.type + ' cannot be written out')
}
for (const type of [Integer, Float, Bool, None, List, Tuple, Dict])
  type.prototype.toString = function () { return str(this) }

const byCodePoint = (a, b) => {
  const [first, second] = [characters(a), characters(b)]
  const at = first.findIndex((character, index) => character !== second[index])
  if (at === -1) return first.length - second.length
  return second[at] === undefined ? 1 : first[at].codePointAt(0) - second[at].codePointAt(0)
}
const json = (value, options, depth = 0) => {
  const { indent, ascii, separators: [between, colon], sorted } = options
  const quoted = (text) => {
    const plain = JSON.stringify(text)
    return ascii ? plain.replace(/[\x7f-\uffff]/g, (unit) => '\\u' + unit.charCodeAt(0).toString(16).padStart(4, '0')) : plain
  }
  const wrapped = (open, parts, close) => {
    if (parts.length === 0 || indent === undefined) return open + parts.join(between) + close
    const line = '\n' + indent.repeat(depth)
    return open + line + indent + parts.join(between + line + indent) + line + close
  }
  if (value instanceof None) return 'null'
  if (value instanceof Text) return quoted(value.value)
  if (value instanceof Bool) return String(value.value)
  if (isNumber(value)) {
    const text = str(value)
    return { nan: 'NaN', inf: 'Infinity', '-inf': '-Infinity' }[text] ?? text
  }
  if (value instanceof List) return wrapped('[', value.value.map((inner) => json(inner, options, depth + 1)), ']')
  if (!(value instanceof Dict)) throw typeError('Object of type ' + value.type.replace('Value', '') + ' is not JSON serializable')
  const entries = [...value.value]
  if (sorted) entries.sort(([a], [b]) => byCodePoint(a, b))
  return wrapped('{', entries.map(([key, inner]) => quoted(key) + colon + json(inner, options, depth + 1)), '}')
}

// What is the same, and what is in what.
const equal = (a, b) => {
  if (isNumber(a) && isNumber(b)) return Number(a.value) === Number(b.value)
  if (a instanceof Text && b instanceof Text) return a.value === b.value
  if (a instanceof List && b instanceof List)
    return a instanceof Tuple === b instanceof Tuple && a.value.length === b.value.length && a.value.every((item, index) => equal(item, b.value[index]))
  if (a instanceof Dict && b instanceof Dict)
    return a.value.size === b.value.size && [...a.value].every(([key, item]) => b.value.has(key) && equal(item, b.value.get(key)))
  if (a instanceof None || a instanceof Undefined) return a.constructor === b.constructor
  return a.value === b.value && a.constructor === b.constructor
}
const contains = (container, item) => {
  if (container instanceof Undefined) return false
  if (container instanceof List) return container.value.some((other) => equal(other, item))
  if (container instanceof Dict) return item instanceof Text && container.value.has(item.value)
  if (container instanceof Text && item instanceof Text) return container.value.includes(item.value)
  throw typeError('a ' + item.type + ' cannot be in a ' + container.type)
}
const itemsOf = (value) => {
  if (value instanceof List) return value.value
  if (value instanceof Dict) return [...value.value.keys()].map((key) => new Text(key))
  if (value instanceof Text) return characters(value.value).map((character) => new Text(character))
  if (value instanceof Undefined) return []
  throw typeError('a ' + value.type + ' is not iterable')
}
const { tests } = new Environment()
for (const name of ['equalto', 'eq', '==']) tests.set(name, equal)
tests.set('in', (item, container) => contains(container, item))
tests.set('number', isNumber)
tests.set('iterable', (value) => [List, Dict, Text, Undefined].some((type) => value instanceof type))
`
