import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import { crc32c } from '../src/logging/event-file'

/** What TensorBoard's event.proto and summary.proto say of the events that a training writes. */
const schema = protobuf
  .parse(
    `
  syntax = "proto3";
  message Event {
    double wall_time = 1;
    int64 step = 2;
    oneof what { string file_version = 3; Summary summary = 5; SessionLog session_log = 7; }
  }
  message Summary {
    message Value { string tag = 1; float simple_value = 2; }
    repeated Value value = 1;
  }
  message SessionLog {
    enum SessionStatus { STATUS_UNSPECIFIED = 0; START = 1; STOP = 2; CHECKPOINT = 3; }
    SessionStatus status = 1;
  }
`,
  )
  .root.lookupType('Event')

/** An event as protobuf.js decodes it. */
interface DecodedEvent {
  wallTime: number
  step: number
  fileVersion?: string
  summary?: { value: { tag: string; simpleValue: number }[] }
  sessionLog?: { status: string }
}

/** The data of a TFRecord file's records, their checksums checked. */
export function readRecords(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const records: Uint8Array[] = []
  const check = (data: Uint8Array, at: number) => {
    const turned = (view.getUint32(at, true) - 0xa282ead8) >>> 0
    if (crc32c(data) !== ((turned << 15) | (turned >>> 17)) >>> 0) throw new Error(`bad checksum at ${at}`)
  }
  for (let at = 0; at < file.length;) {
    const length = Number(view.getBigUint64(at, true))
    check(file.subarray(at, at + 8), at + 8)
    const data = file.subarray(at + 12, at + 12 + length)
    check(data, at + 12 + length)
    records.push(data)
    at += 16 + length
  }
  return records
}

/** The events of a file. */
export function readEvents(path: string): DecodedEvent[] {
  return readRecords(readFileSync(path)).map(
    (record) =>
      schema.toObject(schema.decode(record), {
        longs: Number,
        enums: String,
        defaults: true,
      }) as DecodedEvent,
  )
}

/** Tag → its points, as TensorBoard shows a directory: a start hides what earlier files say of its step and later ones. */
export function readScalars(directory: string): Record<string, [step: number, value: number][]> {
  const scalars: Record<string, [number, number][]> = {}
  for (const file of readdirSync(directory).sort()) {
    for (const { step, sessionLog, summary } of readEvents(join(directory, file))) {
      if (sessionLog?.status === 'START') {
        for (const tag of Object.keys(scalars)) scalars[tag] = scalars[tag]!.filter(([at]) => at < step)
      }
      for (const { tag, simpleValue } of summary?.value ?? []) (scalars[tag] ??= []).push([step, simpleValue])
    }
  }
  return scalars
}
