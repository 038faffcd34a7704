import { createInterface } from 'node:readline'
import { ArgumentError } from '@tfx/common'
import { addLoadOptions, assignment, type LoadFlags, loadOptions } from '../options'
import type { AddCommand } from '../run-cli'
import { withInterrupt } from '../surroundings'
import { openTask } from '../tasks'

interface Flags extends LoadFlags {
  readonly task: string
  readonly set?: Readonly<Record<string, unknown>>
  readonly json?: boolean
}

/** `tfx predict` */
export const addPredict: AddCommand = (program, surroundings) =>
  void addLoadOptions(
    program
      .command('predict <model> [texts...]')
      .description('answers each text, or each line of the standard input; blank lines stay blank')
      .option('-t, --task <name>', 'sentiment, … or a package', 'sentiment')
      .option('--set <name=value>', 'an option of predictStream; may be repeated', assignment)
      .option('--json', 'print JSON, one answer a line'),
  ).action(async (source: string, texts: string[], { task, set, json = false, ...flags }: Flags) => {
    const { stdin, stdout } = surroundings
    const { load } = await openTask(task)
    await withInterrupt(surroundings, async (signal) => {
      const model = await load(source, { signal, ...loadOptions(flags) })
      try {
        if (!model.predictStream) throw withoutAnswers(task)
        const answer = (inputs: AsyncIterable<string> | Iterable<string>) =>
          model.predictStream!(inputs, { ...set, signal })
        const answers =
          texts.length > 0 ? answer(texts) : answerLines(createInterface({ input: stdin }), answer)
        for await (const one of answers) stdout.write(`${json ? JSON.stringify(one) : describe(one)}\n`)
      } finally {
        await model.dispose()
      }
    })
  })

/** Answers lines one by one; a blank one, which is no text, by null. */
async function* answerLines(
  lines: AsyncIterable<string>,
  answer: (texts: AsyncIterable<string>) => AsyncIterable<unknown>,
): AsyncGenerator<unknown, void, undefined> {
  // For each answer to come, how many blank lines stand before it; the last entry counts those since.
  const blanks = [0]
  async function* texts() {
    for await (const line of lines) {
      if (line.trim() === '') blanks[blanks.length - 1]!++
      else {
        blanks.push(0)
        yield line
      }
    }
  }
  function* gap() {
    for (let left = blanks.shift() ?? 0; left > 0; left--) yield null
  }
  for await (const one of answer(texts())) {
    yield* gap()
    yield one
  }
  yield* gap()
}

/** A label with its probability, a text, or whatever else a task answers. */
function describe(answer: unknown): string {
  if (answer === null) return ''
  if (typeof answer === 'string') return answer
  const { label, score, text } = (answer ?? {}) as Record<string, unknown>
  if (typeof label === 'string' && typeof score === 'number') return `${label}\t${score.toFixed(4)}`
  return typeof text === 'string' ? text : JSON.stringify(answer)
}

const withoutAnswers = (task: string) =>
  new ArgumentError({
    function: 'tfx predict',
    argument: '--task',
    expected: 'a task whose models answer text by text, such as sentiment or translation',
    received: `'${task}'`,
    remedy: 'Use its package in a program of yours; language models write by tfx generate or tfx chat.',
  })
