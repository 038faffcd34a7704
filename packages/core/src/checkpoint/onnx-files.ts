import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ArgumentError, sizeOf } from '@tfx/common'
import type { ExternalData } from '@tfx/compiler'
import type { DecoderConfig } from '../config/decoder-config'
import type { EncoderConfig } from '../config/encoder-config'
import type { ModelConfig, ModelKind, Task } from '../config/model-config'
import type { SequenceToSequenceConfig } from '../config/sequence-to-sequence-config'
import { exportDecoder, type DecoderExportOptions } from '../export/decoder'
import { exportEncoder, type ExportTask } from '../export/encoder'
import { onnxFiles, type OnnxPrecision, type OnnxWriter } from '../export/program'
import { exportSequenceToSequence, sequenceOnnxFiles } from '../export/sequence-to-sequence'
import { modelFamily } from '../models'

/** What {@link writeOnnxFiles} writes. */
export interface OnnxContents {
  readonly config: ModelConfig
  readonly task: Task
  /** The values of a parameter. */
  readonly read: (name: string) => Promise<Float32Array>
  readonly precisions: readonly OnnxPrecision[]
  /** Bytes from which on the weights get a file of their own. Default 2e9: a model in one file holds no more. */
  readonly maxFileSize?: number | undefined
}

type DecoderExportTask = NonNullable<DecoderExportOptions['task']>

/** What each kind of model can be exported for. */
const exportable: Readonly<Record<ModelKind, readonly Task[]>> = {
  encoder: [
    'feature-extraction',
    'sequence-classification',
    'token-classification',
    'masked-language-modelling',
  ],
  decoder: ['causal-language-modelling', 'sequence-classification', 'token-classification'],
  'encoder-decoder': ['sequence-to-sequence'],
}

/**
 * Writes a model of any kind as the ONNX files that Transformers.js looks for, into a folder `onnx`: `model*.onnx` of
 * encoders and decoders, `encoder_model*.onnx` and `decoder_model_merged*.onnx` of encoder-decoders, and `*_data`
 * beside those that would be too large.
 *
 * @param directory The model's, which exists.
 * @returns The names of the files that have weights beside them: Transformers.js must be told by
 *   `use_external_data_format` in config.json.
 * @throws ArgumentError if the model is not one that can be exported for the task.
 */
export async function writeOnnxFiles(directory: string, contents: OnnxContents): Promise<string[]> {
  const { config, task, precisions, maxFileSize = 2e9 } = contents
  if (precisions.length === 0) return []
  const family = modelFamily(config.modelType as string)
  const folder = join(directory, 'onnx')
  const specs = family.parameterShapes(config, task)
  const most = Object.values(specs).reduce((bytes, { shape }) => bytes + 4 * sizeOf(shape), 0)
  const writers = await namedWriters(contents, family.kind)
  const beside: string[] = []
  await mkdir(folder, { recursive: true })
  for (const precision of precisions) {
    for (const { names, write } of writers) {
      const name = names[precision]
      const toBytes = (external?: ExternalData) => write(precision, external)
      // How much they are at a precision is known only once they are written.
      const isLarge = most > maxFileSize && weightBytes(toBytes) > maxFileSize
      if (isLarge) beside.push(name)
      await writeFile(join(folder, name), isLarge ? writeBeside(join(folder, name), toBytes) : toBytes())
    }
  }
  return beside
}

/** The files of a model by precision, traced once. */
async function namedWriters(
  { config, task, read }: OnnxContents,
  kind: ModelKind,
): Promise<{ names: Readonly<Record<OnnxPrecision, string>>; write: OnnxWriter }[]> {
  if (!exportable[kind].includes(task)) {
    throw new ArgumentError({
      function: 'saveCheckpoint',
      argument: 'onnx',
      expected: `empty, or a task of ${exportable[kind].join(', ')}`,
      received: `the task ${task}`,
      remedy: 'Save without ONNX files: onnx: [].',
    })
  }
  switch (kind) {
    case 'encoder': {
      const options = { config: config as EncoderConfig, task: task as ExportTask, read }
      return [{ names: onnxFiles, write: await exportEncoder(options) }]
    }
    case 'decoder': {
      const options = { config: config as DecoderConfig, task: task as DecoderExportTask, read }
      return [{ names: onnxFiles, write: await exportDecoder(options) }]
    }
    case 'encoder-decoder': {
      const { encoder, decoder } = await exportSequenceToSequence({
        config: config as SequenceToSequenceConfig,
        read,
      })
      const namesOf = (half: 'encoder' | 'decoder') =>
        Object.fromEntries(
          Object.entries(sequenceOnnxFiles).map(([precision, names]) => [precision, names[half]]),
        ) as Record<OnnxPrecision, string>
      return [
        { names: namesOf('encoder'), write: encoder },
        { names: namesOf('decoder'), write: decoder },
      ]
    }
  }
}

type Writer = (external: ExternalData) => Uint8Array

function weightBytes(toBytes: Writer): number {
  let size = 0
  toBytes({ location: 'none', write: (bytes) => void (size += bytes.length) })
  return size
}

/** Writes the weights into `*_data`. @returns What refers to them. */
function writeBeside(file: string, toBytes: Writer): Uint8Array {
  const data = openSync(`${file}_data`, 'w')
  try {
    return toBytes({
      location: `${basename(file)}_data`,
      write(bytes) {
        for (let done = 0; done < bytes.length;) done += writeSync(data, bytes, done)
      },
    })
  } finally {
    closeSync(data)
  }
}
