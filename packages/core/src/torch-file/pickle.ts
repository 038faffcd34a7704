import type { SafetensorsType } from '../weights/number-formats'

/** What a pickle is made of. Objects of Python are plain records; nothing of the file becomes a key of an object. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleSequence
  | PickleDictionary
  | PickleGlobal
  | TorchStorage
  | TorchTensor

interface PickleSequence {
  readonly kind: 'tuple' | 'list'
  readonly items: PickleValue[]
}

export interface PickleDictionary {
  readonly kind: 'dictionary'
  readonly entries: Map<PickleValue, PickleValue>
}

/** A function or class of Python, by name. */
export interface PickleGlobal {
  readonly kind: 'global'
  readonly name: string
}

/** Numbers in the file that tensors are views of. */
export interface TorchStorage {
  readonly kind: 'storage'
  readonly key: string
  readonly dtype: SafetensorsType
  readonly elements: number
}

/** A view of a storage; sizes in elements. */
export interface TorchTensor {
  readonly kind: 'tensor'
  readonly storage: TorchStorage
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** What a pickle may refer to. */
export interface PickleHost {
  /** A name that the pickle wants to import. @throws CheckpointError if it is not on the list. */
  global(name: string): PickleGlobal
  /** A call of something that {@link global} gave. */
  call(name: string, values: readonly PickleValue[]): PickleValue
  /** An object that is stored outside the pickle. */
  persistent(id: PickleValue): PickleValue
  /** The error of a pickle that is not as it must be. */
  fail(received: string): Error
}

/** The state of the machine. */
interface Machine {
  readonly view: DataView
  readonly host: PickleHost
  readonly stack: PickleValue[]
  /** Lengths of the stack at each open mark. */
  readonly marks: number[]
  readonly memo: Map<number, PickleValue>
  position: number
  result: PickleValue | undefined
}

/** Names of modules and attributes; no name that is allowed is longer. */
const maximumNameBytes = 256

/**
 * Runs the pickle machine on what `torch.save` writes (protocol 2; the opcodes are those of Python's `pickletools`).
 * It imports and calls nothing: globals, calls and persistent objects go to the host, which knows a short list, and
 * every other opcode is refused. Each opcode costs time and memory in proportion to its own bytes and to what it
 * takes off the stack, and nothing recurses.
 *
 * @returns The value and where the pickle ended, or undefined if the bytes end before it does.
 * @throws CheckpointError by the host.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  host: PickleHost,
): { value: PickleValue; end: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const machine: Machine = {
    view,
    host,
    stack: [],
    marks: [],
    memo: new Map(),
    position: start,
    result: undefined,
  }
  try {
    while (machine.result === undefined) {
      const code = uint8(machine)
      const operation = operations.get(code)
      if (operation === undefined)
        throw host.fail(`the opcode ${nameOf(code)} at byte ${machine.position - 1}`)
      operation(machine)
    }
    return { value: machine.result, end: machine.position }
  } catch (error) {
    // A read beyond the view.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const operations = new Map<number, (machine: Machine) => void>([
  [0x80, (machine) => requireProtocol(machine)], // PROTO
  [code('.'), (machine) => void (machine.result = pop(machine))], // STOP
  [code('('), ({ marks, stack }) => void marks.push(stack.length)], // MARK
  [code('0'), (machine) => void pop(machine)], // POP
  [code('N'), ({ stack }) => void stack.push(null)], // NONE
  [0x88, ({ stack }) => void stack.push(true)], // NEWTRUE
  [0x89, ({ stack }) => void stack.push(false)], // NEWFALSE
  [code('K'), (machine) => void machine.stack.push(uint8(machine))], // BININT1
  [code('M'), (machine) => void machine.stack.push(machine.view.getUint16(advance(machine, 2), true))], // BININT2
  [code('J'), (machine) => void machine.stack.push(machine.view.getInt32(advance(machine, 4), true))], // BININT
  [code('G'), (machine) => void machine.stack.push(machine.view.getFloat64(advance(machine, 8)))], // BINFLOAT
  [0x8a, (machine) => void machine.stack.push(long(machine))], // LONG1
  [code('X'), (machine) => void machine.stack.push(text(machine, uint32(machine)))], // BINUNICODE
  [code(')'), ({ stack }) => void stack.push({ kind: 'tuple', items: [] })], // EMPTY_TUPLE
  [0x85, (machine) => tuple(machine, popMany(machine, 1))], // TUPLE1
  [0x86, (machine) => tuple(machine, popMany(machine, 2))], // TUPLE2
  [0x87, (machine) => tuple(machine, popMany(machine, 3))], // TUPLE3
  [code('t'), (machine) => tuple(machine, popToMark(machine))], // TUPLE
  [code(']'), ({ stack }) => void stack.push({ kind: 'list', items: [] })], // EMPTY_LIST
  [code('a'), (machine) => append(machine, popMany(machine, 1))], // APPEND
  [code('e'), (machine) => append(machine, popToMark(machine))], // APPENDS
  [code('}'), ({ stack }) => void stack.push({ kind: 'dictionary', entries: new Map() })], // EMPTY_DICT
  [code('s'), (machine) => setItems(machine, popMany(machine, 2))], // SETITEM
  [code('u'), (machine) => setItems(machine, popToMark(machine))], // SETITEMS
  [code('q'), (machine) => put(machine, uint8(machine))], // BINPUT
  [code('r'), (machine) => put(machine, uint32(machine))], // LONG_BINPUT
  [code('h'), (machine) => get(machine, uint8(machine))], // BINGET
  [code('j'), (machine) => get(machine, uint32(machine))], // LONG_BINGET
  [code('c'), (machine) => global(machine)], // GLOBAL
  [code('Q'), (machine) => void machine.stack.push(machine.host.persistent(pop(machine)))], // BINPERSID
  [code('R'), (machine) => reduce(machine)], // REDUCE
  [code('b'), (machine) => build(machine)], // BUILD
])

/** Opcodes that are refused, for messages. */
const refused = new Map<number, string>([
  [code('i'), 'INST'],
  [code('o'), 'OBJ'],
  [code('P'), 'PERSID'],
  [code('I'), 'INT'],
  [code('L'), 'LONG'],
  [code('S'), 'STRING'],
  [code('T'), 'BINSTRING'],
  [code('U'), 'SHORT_BINSTRING'],
  [code('V'), 'UNICODE'],
  [0x81, 'NEWOBJ'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x8b, 'LONG4'],
  [0x8c, 'SHORT_BINUNICODE'],
  [0x92, 'NEWOBJ_EX'],
  [0x93, 'STACK_GLOBAL'],
  [0x94, 'MEMOIZE'],
  [0x95, 'FRAME'],
])

function nameOf(opcode: number): string {
  const hexadecimal = `0x${opcode.toString(16).padStart(2, '0')}`
  const name = refused.get(opcode)
  return name === undefined ? hexadecimal : `${name} (${hexadecimal})`
}

function code(character: string): number {
  return character.charCodeAt(0)
}

/** Moves past some bytes. @returns Where they start. @throws RangeError if there are fewer. */
function advance(machine: Machine, count: number): number {
  const { position } = machine
  if (position + count > machine.view.byteLength) throw new RangeError('The bytes end.')
  machine.position = position + count
  return position
}

function uint8(machine: Machine): number {
  return machine.view.getUint8(advance(machine, 1))
}

function uint32(machine: Machine): number {
  return machine.view.getUint32(advance(machine, 4), true)
}

function text(machine: Machine, length: number): string {
  const { buffer, byteOffset } = machine.view
  return new TextDecoder().decode(new Uint8Array(buffer, byteOffset + advance(machine, length), length))
}

/** A whole number of any length in two's complement. */
function long(machine: Machine): number | bigint {
  const length = uint8(machine)
  const start = advance(machine, length)
  let value = 0n
  for (let index = length - 1; index >= 0; index--) {
    value = (value << 8n) | BigInt(machine.view.getUint8(start + index))
  }
  value = BigInt.asIntN(8 * length, value)
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function requireProtocol(machine: Machine): void {
  const protocol = uint8(machine)
  if (protocol !== 2) throw machine.host.fail(`a pickle of protocol ${protocol}, not 2`)
}

function pop({ stack, marks, host }: Machine): PickleValue {
  const value = stack.length > (marks.at(-1) ?? 0) ? stack.pop() : undefined
  if (value === undefined) throw host.fail('a pickle that takes more than there is')
  return value
}

function popMany(machine: Machine, count: number): PickleValue[] {
  const values = Array.from({ length: count }, () => pop(machine))
  return values.reverse()
}

function popToMark({ stack, marks, host }: Machine): PickleValue[] {
  const mark = marks.pop()
  if (mark === undefined) throw host.fail('a pickle that misses a mark')
  return stack.splice(mark)
}

function tuple({ stack }: Machine, items: PickleValue[]): void {
  stack.push({ kind: 'tuple', items })
}

function append(machine: Machine, items: PickleValue[]): void {
  const list = top(machine)
  if (!isRecord(list) || list.kind !== 'list')
    throw machine.host.fail('a pickle that appends to what is no list')
  for (const item of items) list.items.push(item)
}

function setItems(machine: Machine, items: PickleValue[]): void {
  const dictionary = top(machine)
  if (!isRecord(dictionary) || dictionary.kind !== 'dictionary' || items.length % 2 !== 0) {
    throw machine.host.fail('a pickle that sets items of what is no dictionary')
  }
  for (let index = 0; index < items.length; index += 2) {
    dictionary.entries.set(items[index]!, items[index + 1]!)
  }
}

function put(machine: Machine, index: number): void {
  machine.memo.set(index, top(machine))
}

function get({ memo, stack, host }: Machine, index: number): void {
  const value = memo.get(index)
  if (value === undefined) throw host.fail('a pickle that refers to nothing')
  stack.push(value)
}

function top({ stack, marks, host }: Machine): PickleValue {
  const value = stack.length > (marks.at(-1) ?? 0) ? stack.at(-1) : undefined
  if (value === undefined) throw host.fail('a pickle that takes more than there is')
  return value
}

/** Two lines: module and name. */
function global(machine: Machine): void {
  const module = line(machine)
  machine.stack.push(machine.host.global(`${module}.${line(machine)}`))
}

function line(machine: Machine): string {
  const { view, position, host } = machine
  for (let end = position; end < position + maximumNameBytes; end++) {
    if (view.getUint8(end) !== 0x0a) continue
    const name = text(machine, end - position)
    advance(machine, 1)
    return name
  }
  throw host.fail('a pickle with a name that does not end')
}

function reduce(machine: Machine): void {
  const values = pop(machine)
  const callable = pop(machine)
  const isCall =
    isRecord(callable) && callable.kind === 'global' && isRecord(values) && values.kind === 'tuple'
  if (!isCall) throw machine.host.fail('a pickle that calls what is no function')
  machine.stack.push(machine.host.call(callable.name, values.items))
}

/** Attributes of a dictionary: `_metadata`, the versions of its modules, of which nothing is needed. */
function build(machine: Machine): void {
  pop(machine)
  const object = top(machine)
  if (isRecord(object) && object.kind === 'dictionary') return
  throw machine.host.fail('a pickle that sets attributes of what is no dictionary')
}

/** True for what is not a number, a text or None. */
export function isRecord(value: PickleValue | undefined): value is Extract<PickleValue, { kind: string }> {
  return typeof value === 'object' && value !== null
}
