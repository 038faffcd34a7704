import { ArgumentError } from '@tfx/common'
import { type FitResult, type JudgedAnswers, type RunReport, writeReport } from '@tfx/train'
import type { EncodedExample } from './encode'
import type { TaskHead, TextInput } from './head'
import type { TransferModel } from './model'

/** What the report of a training is made of. */
interface ReportParts<Example extends TextInput, Answer, Options> {
  readonly file: string
  readonly title: string
  readonly head: TaskHead<Example, Answer, Options>
  readonly model: TransferModel<Answer, Options>
  readonly training: FitResult
  /** Whether the training was cut: who aborts it does not want to wait for answers. */
  readonly isCut: boolean
  readonly data: Readonly<Record<'training' | 'validation', readonly EncodedExample<Example>[]>>
}

/**
 * Refuses a report over what is probably something else, such as the data.
 *
 * @throws ArgumentError
 */
export function checkReport(file: string | undefined): void {
  if (file === undefined || /\.html?$/i.test(file)) return
  throw new ArgumentError({
    function: 'transfer',
    argument: 'report',
    expected: 'the path of an .html file to write',
    received: `'${file}'`,
    remedy: "For instance './run.html'.",
  })
}

/**
 * Writes the report of a training. One that cannot be written is a process warning: the model is worth more.
 */
export async function reportTraining<Example extends TextInput, Answer, Options>({
  file,
  title,
  ...parts
}: ReportParts<Example, Answer, Options>): Promise<void> {
  const { model, training, data, head } = parts
  const { settings, notes } = model
  try {
    const summaries = Object.entries(data).map(([name, examples]) => summaryOf(name, examples, head.labelled))
    const answers = parts.isCut ? undefined : await judgedAnswers(parts)
    const report: RunReport = {
      title,
      training,
      settings,
      notes,
      data: summaries,
      ...(answers && { answers }),
    }
    await writeReport(file, report)
  } catch (error) {
    process.emitWarning(error as Error)
  }
}

function summaryOf<Example>(
  name: string,
  examples: readonly EncodedExample<Example>[],
  labelled: { expected(example: Example): string } | undefined,
) {
  const lengths = examples.map(({ encoding }) => encoding.inputIds.length)
  if (labelled === undefined) return { name, lengths }
  const counts = new Map<string, number>()
  for (const { example } of examples) {
    const label = labelled.expected(example)
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return { name, lengths, labels: Object.fromEntries(counts) }
}

/** What the model, as it came out, says of the validation examples. */
async function judgedAnswers<Example extends TextInput, Answer, Options>({
  head: { labelled },
  model,
  data: { validation },
}: Pick<ReportParts<Example, Answer, Options>, 'head' | 'model' | 'data'>): Promise<
  JudgedAnswers | undefined
> {
  if (labelled === undefined || validation.length === 0) return undefined
  const examples = validation.map(({ example }) => example)
  const answers = await model.predict(examples)
  return {
    name: 'validation',
    labels: model.labels,
    examples: examples.map((example, index) => {
      const { text, textPair } = example
      const expected = labelled.expected(example)
      const { label, scores } = labelled.answered(answers[index]!)
      const judged = { text, expected, answered: label, probability: scores[expected]! }
      return textPair === undefined ? judged : { ...judged, textPair }
    }),
  }
}
