import { ArgumentError, checkIsOptions } from '@tfx/common'
import { type ModelConfig, modelFamily, type Tokenizer } from '@tfx/core'

/** The most tokens of an input, special tokens included. */
export function longestInput({
  config,
  tokenizer,
}: {
  config: ModelConfig
  tokenizer: Pick<Tokenizer, 'maxLength'>
}): number {
  return Math.min(tokenizer.maxLength, modelFamily(config.modelType as string).maxLength(config))
}

/**
 * Refuses options that do not exist, so that a misspelled one is not silently without effect.
 *
 * @throws ArgumentError
 */
export function checkOptionNames(
  options: unknown,
  known: readonly string[],
  { caller, argument = 'options' }: { caller: string; argument?: string },
): void {
  checkIsOptions(options, { caller, argument })
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const similar = known.find((name) => isSimilar(name, unknown))
  throw new ArgumentError({
    function: caller,
    argument,
    expected: `made of ${[...known].sort().join(', ')}`,
    received: `'${unknown}'`,
    remedy: similar === undefined ? 'Correct the name or leave it out.' : `Did you mean '${similar}'?`,
  })
}

/** The same but for case, punctuation and an ending: `learning_rate`, `epoch`. */
function isSimilar(left: string, right: string): boolean {
  const [a, b] = [plain(left), plain(right)]
  return b !== '' && (a.startsWith(b) || b.startsWith(a))
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z]/g, '')

/** @throws ArgumentError unless a model that takes `longest` tokens can work with this many. */
export function checkMaxLength(maxLength: number, longest: number, caller: string): void {
  if (Number.isInteger(maxLength) && maxLength >= 2 && maxLength <= longest) return
  throw new ArgumentError({
    function: caller,
    argument: 'maxLength',
    expected: `an integer from 2 to the ${longest} tokens that the model takes`,
    received: String(maxLength),
    remedy: 'Leave it out to use what the model takes.',
  })
}
