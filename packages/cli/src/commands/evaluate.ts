import { addLoadOptions, assignment, type LoadFlags, loadOptions } from '../options'
import type { AddCommand } from '../run-cli'
import { withInterrupt } from '../surroundings'
import { openTask } from '../tasks'

interface Flags extends LoadFlags {
  readonly task: string
  readonly set?: Readonly<Record<string, unknown>>
  readonly json?: boolean
}

/** `tfx evaluate` */
export const addEvaluate: AddCommand = (program, surroundings) =>
  void addLoadOptions(
    program
      .command('evaluate <model> <data>')
      .description("prints a model's metrics on a data set")
      .option('-t, --task <name>', 'sentiment, chat, … or a package', 'sentiment')
      .option('--set <name=value>', 'an option of evaluate; may be repeated', assignment)
      .option('--json', 'print JSON'),
  ).action(async (source: string, data: string, { task, set, json = false, ...flags }: Flags) => {
    const { load } = await openTask(task)
    await withInterrupt(surroundings, async (signal) => {
      const model = await load(source, { signal, ...loadOptions(flags) })
      try {
        const metrics = await model.evaluate(data, { ...set, signal })
        const numbers = Object.entries(metrics).filter(([, value]) => typeof value === 'number')
        const lines = numbers.map(([name, value]) => `${name}\t${String(value)}`)
        surroundings.stdout.write(`${json ? JSON.stringify(metrics) : lines.join('\n')}\n`)
      } finally {
        await model.dispose()
      }
    })
  })
