import { ArgumentError } from '@tfx/common'
import { type FitResult, writeReport } from '@tfx/train'
import type { Setting } from './settings'
import type { EncodedExample, TransferTask } from './task'

/** What the report of a training is made of. */
interface ReportParts<Encoded extends EncodedExample<unknown>, Model> {
  readonly file: string
  readonly title: string
  readonly labelled: TransferTask<Encoded, never, never, Model & object>['labelled']
  readonly model: Model
  readonly settings: readonly Setting[]
  readonly notes: readonly string[]
  readonly training: FitResult
  /** Whether the training was cut: who aborts it does not want to wait for answers. */
  readonly isCut: boolean
  readonly data: Readonly<Record<'training' | 'validation', readonly Encoded[]>>
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
export async function reportTraining<Encoded extends EncodedExample<unknown>, Model>({
  file,
  labelled,
  model,
  data,
  isCut,
  ...parts
}: ReportParts<Encoded, Model>): Promise<void> {
  try {
    const { validation } = data
    const isJudged = labelled !== undefined && !isCut && validation.length > 0
    const judged = isJudged && (await labelled.judge(model as Model & object, examplesOf(validation)))
    await writeReport(file, {
      ...parts,
      data: Object.entries(data).map(([name, examples]) => summaryOf(name, examples, labelled)),
      ...(judged && { answers: { name: 'validation', ...judged } }),
    })
  } catch (error) {
    process.emitWarning(error as Error)
  }
}

const examplesOf = (encoded: readonly EncodedExample<unknown>[]) => encoded.map(({ example }) => example)

function summaryOf(
  name: string,
  encoded: readonly EncodedExample<unknown>[],
  labelled: { expected(example: unknown): string } | undefined,
) {
  const lengths = encoded.map(({ encoding }) => encoding.inputIds.length)
  if (labelled === undefined) return { name, lengths }
  const counts = new Map<string, number>()
  for (const example of examplesOf(encoded)) {
    const label = labelled.expected(example)
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return { name, lengths, labels: Object.fromEntries(counts) }
}
