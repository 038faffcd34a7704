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
  readonly data: Readonly<Record<'training' | 'validation', readonly EncodedExample<Example>[]>>
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
    const answers = await judgedAnswers(parts)
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
  const labels: Record<string, number> = {}
  for (const { example } of examples) {
    const label = labelled.expected(example)
    labels[label] = (labels[label] ?? 0) + 1
  }
  return { name, lengths, labels }
}

/** What the model, as it came out, says of the validation examples. */
async function judgedAnswers<Example extends TextInput, Answer, Options>({
  head: { labelled },
  model,
  data: { validation },
}: Omit<ReportParts<Example, Answer, Options>, 'file' | 'title'>): Promise<JudgedAnswers | undefined> {
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
