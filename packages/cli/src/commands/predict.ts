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
      .description('answers each text, or each line of the standard input')
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
        const inputs = texts.length > 0 ? texts : createInterface({ input: stdin })
        for await (const answer of model.predictStream(inputs, { ...set, signal }))
          stdout.write(`${json ? JSON.stringify(answer) : describe(answer)}\n`)
      } finally {
        await model.dispose()
      }
    })
  })

/** A label with its probability, a text, or whatever else a task answers. */
function describe(answer: unknown): string {
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
