import protobuf from 'protobufjs/minimal.js'

/**
 * The events of TensorBoard's event.proto that a training writes, as protobuf.
 *
 * Field numbers are those of https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
 * and summary.proto there. As in proto3, a step of 0 is left out.
 */
type Writer = protobuf.Writer

const tag = (field: number, wireType: 0 | 1 | 2 | 5) => (field << 3) | wireType

function event({ wallTime, step = 0 }: { wallTime: number; step?: number }): Writer {
  const writer = protobuf.Writer.create().uint32(tag(1, 1)).double(wallTime)
  return step === 0 ? writer : writer.uint32(tag(2, 0)).int64(step)
}

/**
 * The event that every file begins with.
 *
 * @param wallTime Seconds since 1970.
 */
export function versionEvent(wallTime: number): Uint8Array {
  return event({ wallTime }).uint32(tag(3, 2)).string('brain.Event:2').finish()
}

/** Scalars of one step, by tag such as `train/loss`. @param at `wallTime` in seconds since 1970, and the step. */
export function scalarsEvent(
  scalars: Readonly<Record<string, number>>,
  at: { wallTime: number; step: number },
): Uint8Array {
  const summary = event(at).uint32(tag(5, 2)).fork()
  for (const [name, value] of Object.entries(scalars)) {
    summary.uint32(tag(1, 2)).fork()
    summary.uint32(tag(1, 2)).string(name).uint32(tag(2, 5)).float(value).ldelim()
  }
  return summary.ldelim().finish()
}

/** Has readers forget what earlier files of the directory say of this step and later ones: SessionLog.START. */
export function restartEvent(at: { wallTime: number; step: number }): Uint8Array {
  const start = 1
  return event(at).uint32(tag(7, 2)).fork().uint32(tag(1, 0)).int32(start).ldelim().finish()
}

/** Data as a record of a TFRecord file: its length, the data, and a checksum of each. */
export function tfRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16)
  const view = new DataView(record.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true)
  record.set(data, 12)
  view.setUint32(12 + data.length, maskedCrc32c(data), true)
  return record
}

/** As TFRecord stores it: turned by 15 bits, plus a constant, so that a checksum of checksums is no problem. */
function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** For each byte, the remainder by the reversed Castagnoli polynomial. */
const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0)
  return remainder
})

/** CRC-32C (RFC 3720, appendix B.4). */
export function crc32c(data: Uint8Array): number {
  let crc = ~0
  for (const byte of data) crc = remainders[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
