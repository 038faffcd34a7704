import type { SentencePieceModel } from './model-file'

/** A normalizer, pre-tokenizer or decoder of a tokenizer.json. */
export type Step = Readonly<Record<string, unknown>>

/** What SentencePiece writes for a space. */
export const spaceMark = '▁'

const metaspace = (prepend: 'always' | 'first', split: boolean): Step => ({
  type: 'Metaspace',
  replacement: spaceMark,
  prepend_scheme: prepend,
  split,
})

export const replace = (pattern: { String: string } | { Regex: string }, content: string): Step => ({
  type: 'Replace',
  pattern,
  content,
})

/** The model's own normalization of characters, where it has any. */
export function charactersStep({ charsMap }: SentencePieceModel): Step[] {
  if (charsMap.length === 0) return []
  return [{ type: 'Precompiled', precompiled_charsmap: Buffer.from(charsMap).toString('base64') }]
}

/** A text as SentencePiece normalizes it. */
export function wholeTextSteps(model: SentencePieceModel): Step[] {
  return [
    ...charactersStep(model),
    ...(model.removeExtraWhitespaces
      ? [replace({ Regex: ' {2,}' }, ' '), replace({ Regex: '\\A | \\z' }, '')]
      : []),
    replace({ String: ' ' }, spaceMark),
    ...(model.addDummySpace ? [replace({ Regex: model.spaceAfterWord ? '\\z' : '\\A' }, spaceMark)] : []),
  ]
}

/** Words by spaces, each with the mark of a space in front. */
export const wordSteps: readonly Step[] = [{ type: 'WhitespaceSplit' }, metaspace('always', true)]

export const wordDecoder: Step = metaspace('always', true)

/** A mark before the text, or only where it begins and not after special tokens. Spaces are kept. */
export const prefixSteps = {
  everywhere: {
    normalizer: [{ type: 'Prepend', prepend: spaceMark }, replace({ String: ' ' }, spaceMark)] as Step[],
    preTokenizer: [] as Step[],
  },
  first: { normalizer: [] as Step[], preTokenizer: [metaspace('first', false)] },
  none: { normalizer: [replace({ String: ' ' }, spaceMark)], preTokenizer: [] as Step[] },
}

/** Marks and bytes back to text, whose first space may be one that was put there. */
export function textDecoder(stripFirstSpace: boolean): Step {
  return {
    type: 'Sequence',
    decoders: [
      replace({ String: spaceMark }, ' '),
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      ...(stripFirstSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
    ],
  }
}
