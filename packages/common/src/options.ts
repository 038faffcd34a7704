import { ArgumentError } from './errors'

/** What an option is called in errors. */
export interface OptionName {
  /** The public function. */
  readonly caller: string
  readonly argument: string
}

/** A value as an error shows it. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** @throws ArgumentError on options that are no object; TypeScript refuses them, JavaScript does not. */
export function checkIsOptions(
  given: unknown,
  { caller, argument = 'options' }: { readonly caller: string; readonly argument?: string },
): asserts given is object {
  if (typeof given === 'object' && given !== null) return
  throw new ArgumentError({
    function: caller,
    argument,
    expected: 'an object',
    received: describeValue(given),
    remedy: 'Leave it out to use the defaults.',
  })
}

/** @throws ArgumentError on a switch that is neither true nor false: the text 'false' would turn it on. Absent is false. */
export function checkSwitch(given: unknown, { caller, argument }: OptionName): void {
  if (given === undefined || typeof given === 'boolean') return
  throw new ArgumentError({
    function: caller,
    argument,
    expected: 'true or false',
    received: describeValue(given),
    remedy: 'Leave it out for false.',
  })
}
