/**
 * Has the Jinja library render as Python's does where it would do otherwise without a word: behind `pythonValues`, in the same
 * process.
 *
 * Reference: Jinja2 3.1.6 as transformers 5.24 sets it up (`utils/chat_template_utils.py`).
 */
export const pythonSemantics = String.raw`
const { evaluateBinaryExpression, evaluateMemberExpression, applyFilter } = Interpreter.prototype
Interpreter.prototype.evaluateBinaryExpression = function (node, environment) {
  const operator = node.operator.value
  if (['and', 'or'].includes(operator)) return evaluateBinaryExpression.call(this, node, environment)
  const [left, right] = [this.evaluate(node.left, environment), this.evaluate(node.right, environment)]
  if (operator === '==' || operator === '!=') return new Bool(equal(left, right) === (operator === '=='))
  if (operator === 'in' || operator === 'not in') return new Bool(contains(right, left) === (operator === 'in'))
  if (operator === '~') return new Text(str(left) + str(right))
  if (operator === '+' && (left instanceof Text) !== (right instanceof Text))
    throw typeError('a ' + left.type + ' and a ' + right.type + ' cannot be joined by +')
  if (operator === '%' && isNumber(left) && isNumber(right)) {
    if (Number(right.value) === 0) throw typeError('modulo by zero')
    const [a, b] = [Number(left.value), Number(right.value)]
    return new (left instanceof Float || right instanceof Float ? Float : Integer)(a - b * Math.floor(a / b))
  }
  const given = { evaluate: (part) => (part === node.left ? left : right) }
  return evaluateBinaryExpression.call(given, node, environment)
}

// A method of a dictionary goes before a key of its name, and what is undefined has nothing.
const methods = ['get', 'items', 'keys', 'values']
Interpreter.prototype.evaluateMemberExpression = function (node, environment) {
  const object = this.evaluate(node.object, environment)
  if (object instanceof Undefined) throw typeError('what is undefined has no ' + (node.property.value ?? 'item'))
  if (!node.computed && object instanceof Dict && methods.includes(node.property.value))
    return object.builtins.get(node.property.value)
  if (node.computed && object instanceof Text && node.property.type !== 'SliceExpression') {
    const index = this.evaluate(node.property, environment)
    if (index instanceof Integer) {
      const character = characters(object.value).at(index.value)
      return character === undefined ? new Undefined() : new Text(character)
    }
  }
  const given = Object.create(this)
  given.evaluate = (part, scope) => (part === node.object ? object : this.evaluate(part, scope))
  return evaluateMemberExpression.call(given, node, environment)
}

const capitalized = (text) => {
  const [first = '', ...rest] = characters(text)
  return first.toUpperCase() + rest.join('').toLowerCase()
}
const attributeOf = (item, path) =>
  path.split('.').reduce((value, key) => (value instanceof Dict && value.value.get(key)) || new Undefined(), item)
const selecting = (isSelected) => (value, [attribute, test, ...given]) =>
  new List(itemsOf(value).filter((item) => {
    const found = attributeOf(item, str(attribute))
    const check = test === undefined ? (some) => some.__bool__().value : tests.get(str(test))
    if (!check) throw typeError('there is no test ' + str(test))
    return check(found, ...given) === isSelected
  }))
const filters = {
  selectattr: selecting(true),
  rejectattr: selecting(false),
  trim: (value, [stripped]) => new Text(strip(str(value), stripped && !(stripped instanceof None) ? str(stripped) : undefined)),
  string: (value) => new Text(str(value)),
  upper: (value) => new Text(str(value).toUpperCase()),
  lower: (value) => new Text(str(value).toLowerCase()),
  capitalize: (value) => new Text(capitalized(str(value))),
  title: (value) => new Text(str(value).split(/([-\s({\[<]+)/).map(capitalized).join('')),
  list: (value) => new List([...itemsOf(value)]),
  first: (value) => itemsOf(value)[0] ?? new Undefined(),
  last: (value) => itemsOf(value).at(-1) ?? new Undefined(),
  length: (value) => new Integer(itemsOf(value).length),
  count: (value) => new Integer(itemsOf(value).length),
  reverse: (value) => {
    const items = [...itemsOf(value)].reverse()
    return value instanceof Text ? new Text(items.map(str).join('')) : new List(items)
  },
  join: (value, [separator], named) =>
    new Text(itemsOf(value).map(str).join(str(separator ?? named.get('d') ?? named.get('separator') ?? new Undefined()))),
  tojson: (value, [asciiGiven, indentGiven, separatorsGiven, sortedGiven], named) => {
    const option = (name, given) => {
      const found = given ?? named.get(name)
      return found instanceof None ? undefined : found?.value
    }
    const width = option('indent', indentGiven)
    const separators = option('separators', separatorsGiven)?.map(str)
    const indent = width === undefined ? undefined : typeof width === 'string' ? width : ' '.repeat(width)
    const options = { indent, separators: separators ?? [indent === undefined ? ', ' : ',', ': '] }
    return new Text(json(value, { ...options, ascii: option('ensure_ascii', asciiGiven), sorted: option('sort_keys', sortedGiven) }))
  },
}
Interpreter.prototype.applyFilter = function (operand, node, environment) {
  const name = node.type === 'Identifier' ? node.value : node.callee?.value
  const [given, named] = node.type === 'Identifier' ? [[], new Map()] : this.evaluateArguments(node.args, environment)
  if (!Object.hasOwn(filters, name) || (name === 'join' && (given.length > 1 || named.has('attribute'))))
    return applyFilter.call(this, operand, node, environment)
  return filters[name](operand, given, named)
}

// Methods of texts.
const { get } = Object.getOwnPropertyDescriptor(Text.prototype, 'builtins')
const ends = { strip: 'both', lstrip: 'start', rstrip: 'end' }
Object.defineProperty(Text.prototype, 'builtins', {
  get() {
    if (this._builtins) return this._builtins
    const builtins = get.call(this)
    for (const [name, where] of Object.entries(ends))
      builtins.set(name, new Callable(([stripped]) => new Text(strip(this.value, stripped instanceof Text ? stripped.value : undefined, where))))
    builtins.set('capitalize', new Callable(() => new Text(capitalized(this.value))))
    builtins.set('title', new Callable(() =>
      new Text(this.value.toLowerCase().replace(/(?<!\p{L})\p{L}/gu, (letter) => letter.toUpperCase()))))
    const split = builtins.get('split').value
    builtins.set('split', new Callable(([separator, most, ...others], scope) => {
      if (separator instanceof Text) return split([separator, most ?? new Integer(-1), ...others], scope)
      const parts = []
      let rest = strip(this.value, undefined, 'start')
      const limit = most instanceof Integer && most.value >= 0 ? most.value : Infinity
      for (let at; rest !== '' && parts.length < limit && (at = characters(rest).findIndex(isSpace)) >= 0; ) {
        parts.push(characters(rest).slice(0, at).join(''))
        rest = strip(characters(rest).slice(at).join(''), undefined, 'start')
      }
      return new List([...parts, ...(rest === '' ? [] : [rest])].map((part) => new Text(part)))
    }))
    builtins.delete('length')
    return builtins
  },
})

// What a turn of a loop sets is gone in the next, and what it wrote before it was broken off stays.
const controlOf = (tag) => {
  try {
    new Interpreter(new Environment()).evaluate({ type: tag }, new Environment())
  } catch ({ constructor }) {
    return constructor
  }
}
const [Break, Continue] = ['Break', 'Continue'].map(controlOf)
const isStatement = ['Set', 'Macro', 'Comment', 'Break', 'Continue']
Interpreter.prototype.evaluateBlock = function (statements, environment) {
  let written = ''
  for (const statement of statements) {
    try {
      const value = this.evaluate(statement, environment)
      if (!isStatement.includes(statement.type)) written += str(value)
    } catch (error) {
      if (error instanceof Break || error instanceof Continue) error.written = written + (error.written ?? '')
      throw error
    }
  }
  return new Text(written)
}
Interpreter.prototype.evaluateFor = function (node, environment) {
  const isSelected = node.iterable.type === 'SelectExpression'
  const iterable = this.evaluate(isSelected ? node.iterable.lhs : node.iterable, environment)
  const assign = (scope, item) => {
    if (node.loopvar.type === 'Identifier') return scope.setVariable(node.loopvar.value, item)
    const parts = itemsOf(item)
    if (node.loopvar.type !== 'TupleLiteral' || parts.length !== node.loopvar.value.length)
      throw typeError('an item of a loop cannot be unpacked')
    node.loopvar.value.forEach(({ value }, index) => scope.setVariable(value, parts[index]))
  }
  const items = itemsOf(iterable).filter((item) => {
    if (!isSelected) return true
    const scope = new Environment(environment)
    assign(scope, item)
    return this.evaluate(node.iterable.test, scope).__bool__().value
  })
  let [written, isFinished] = ['', false]
  for (const [index, item] of items.entries()) {
    const scope = new Environment(environment)
    const [index0, revindex0] = [index, items.length - index - 1]
    const loop = scope.setVariable('loop', valueOf({
      index: index + 1, index0, revindex: revindex0 + 1, revindex0, first: index0 === 0, last: revindex0 === 0,
      length: items.length, depth: 1, depth0: 0,
    }))
    loop.value.set('previtem', items[index - 1] ?? new Undefined())
    loop.value.set('nextitem', items[index + 1] ?? new Undefined())
    assign(scope, item)
    try {
      written += this.evaluateBlock(node.body, scope).value
      isFinished = true
    } catch (error) {
      if (!(error instanceof Break || error instanceof Continue)) throw error
      written += error.written
      if (error instanceof Break) break
    }
  }
  if (!isFinished) written += this.evaluateBlock(node.defaultBlock, environment).value
  return new Text(written)
}

// What templates call.
class Refusal extends Error {}
const names = (options) => [...Array(12)].map((_, month) => new Intl.DateTimeFormat('en-US', options).format(new Date(2024, month, 1)))
const strftime = (format) => {
  const now = new Date()
  const padded = (value, length = 2) => String(value).padStart(length, '0')
  const weekday = (style) => new Intl.DateTimeFormat('en-US', { weekday: style }).format(now)
  const fields = {
    Y: now.getFullYear(), y: padded(now.getFullYear() % 100), m: padded(now.getMonth() + 1), d: padded(now.getDate()),
    e: String(now.getDate()).padStart(2), b: names({ month: 'short' })[now.getMonth()], B: names({ month: 'long' })[now.getMonth()],
    a: weekday('short'), A: weekday('long'), H: padded(now.getHours()), I: padded(now.getHours() % 12 || 12),
    M: padded(now.getMinutes()), S: padded(now.getSeconds()), p: now.getHours() < 12 ? 'AM' : 'PM', '%': '%',
  }
  return format.replace(/%(-?)(.)/gs, (directive, minus, field) => {
    if (!Object.hasOwn(fields, field)) throw typeError('strftime_now does not know ' + directive)
    return minus ? String(fields[field]).replace(/^[0 ]+(?=.)/, '') : fields[field]
  })
}
const functions = {
  strftime_now: strftime,
  raise_exception: (message) => { throw new Refusal(message) },
}
const { set } = Environment.prototype
Environment.prototype.set = function (name, value) {
  return set.call(this, name, typeof value === 'function' && Object.hasOwn(functions, name) ? functions[name] : value)
}
`
