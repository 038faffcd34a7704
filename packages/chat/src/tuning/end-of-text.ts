import { ArgumentError } from '@tfx/common'
import type { DecoderConfig, Tokenizer } from '@tfx/core'
import { specialTokenVariables } from '../template/read-template'

/** The token that ends a text: the tokenizer's `eos_token`, else config.json's. Undefined if neither says. */
export function endOfText(
  tokenizer: Pick<Tokenizer, 'files' | 'vocabulary'>,
  config: Pick<DecoderConfig, 'source'>,
): number | undefined {
  const named = tokenizer.vocabulary().get(specialTokenVariables(tokenizer).eos_token ?? '')
  const { eos_token_id: given } = config.source as { eos_token_id?: unknown }
  const [configured] = [given].flat()
  return named ?? (typeof configured === 'number' ? configured : undefined)
}

/** @throws ArgumentError if no token ends a text, so that what is written would have no end. */
export function requireEndOfText(...model: Parameters<typeof endOfText>): number {
  const id = endOfText(...model)
  if (id !== undefined) return id
  throw new ArgumentError({
    function: 'transfer',
    argument: 'base',
    expected: 'one with a token that ends a text',
    received: 'none',
    remedy: "Set 'eos_token' in tokenizer_config.json to a token of the vocabulary.",
  })
}
