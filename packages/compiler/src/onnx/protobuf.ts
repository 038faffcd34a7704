import protobuf from 'protobufjs/minimal.js'

/** The numbers of ONNX's TensorProto.DataType. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const

export type OnnxElementType = keyof typeof elementTypes

export interface OnnxTensor {
  name: string
  dtype: OnnxElementType
  shape: readonly number[]
  /** Little-endian elements. */
  data: Uint8Array
}

export interface OnnxNode {
  op: string
  domain: string
  inputs: readonly string[]
  outputs: readonly string[]
  attributes: Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>
}

export interface OnnxValueInfo {
  name: string
  dtype: OnnxElementType
  /** A number, or the name of a symbolic dimension. */
  shape: readonly (number | string)[]
  /** A sequence of such tensors instead of one. Default false. */
  isSequence?: boolean
}

export interface OnnxModel {
  producer: string
  opset: number
  nodes: readonly OnnxNode[]
  inputs: readonly OnnxValueInfo[]
  outputs: readonly OnnxValueInfo[]
  /**
   * What lies between: onnxruntime writes a result over an operand that ends there only if it knows that both have
   * one shape, and it does not follow shapes through a computed Reshape.
   */
  intermediates: readonly OnnxValueInfo[]
  initializers: readonly OnnxTensor[]
}

// Field numbers below are those of onnx.proto3 (ONNX IR version 9); wire type 0 is a varint,
// 2 is length-delimited, 5 is a 32-bit float.
const irVersion = 9
type Writer = protobuf.Writer

const tag = (field: number, wireType: 0 | 2 | 5) => (field << 3) | wireType
const text = (writer: Writer, field: number, value: string) => writer.uint32(tag(field, 2)).string(value)
const integer = (writer: Writer, field: number, value: number) => writer.uint32(tag(field, 0)).int64(value)

function message(writer: Writer, field: number, write: (writer: Writer) => void): void {
  writer.uint32(tag(field, 2)).fork()
  write(writer)
  writer.ldelim()
}

function writeAttribute(writer: Writer, name: string, value: OnnxNode['attributes'][string]): void {
  text(writer, 1, name)
  if (typeof value === 'number') {
    integer(writer, 3, value)
    integer(writer, 20, 2)
  } else if (typeof value === 'string') {
    text(writer, 4, value)
    integer(writer, 20, 3)
  } else if ('float' in value) {
    writer.uint32(tag(2, 5)).float(value.float)
    integer(writer, 20, 1)
  } else {
    for (const element of value) integer(writer, 8, element)
    integer(writer, 20, 7)
  }
}

function writeNode(writer: Writer, { op, domain, inputs, outputs, attributes }: OnnxNode): void {
  for (const input of inputs) text(writer, 1, input)
  for (const output of outputs) text(writer, 2, output)
  text(writer, 3, outputs.find((output) => output !== '') ?? op)
  text(writer, 4, op)
  for (const [name, value] of Object.entries(attributes)) {
    message(writer, 5, (inner) => writeAttribute(inner, name, value))
  }
  if (domain !== '') text(writer, 7, domain)
}

/** A file beside the model that takes the large tensors: a protobuf message holds 2 GiB at most. */
export interface ExternalData {
  /** Its name, as the model refers to it: `model.onnx_data`, say. */
  readonly location: string
  /** Takes the next bytes of it. */
  write(bytes: Uint8Array): void
}

/** Smaller tensors stay in the model: shapes are read while it is loaded. */
const smallestExternal = 1024
/** Where tensors begin, so that they can be mapped into memory. */
const alignment = 64

/** Writes tensors one after the other, into the model or beside it. */
function tensorWriter(external: ExternalData | undefined): (writer: Writer, tensor: OnnxTensor) => void {
  let end = 0
  return (writer, { name, dtype, shape, data }) => {
    for (const dimension of shape) integer(writer, 1, dimension)
    integer(writer, 2, elementTypes[dtype])
    text(writer, 8, name)
    if (!external || data.length < smallestExternal) {
      writer.uint32(tag(9, 2)).bytes(data)
      return
    }
    const entries = { location: external.location, offset: String(end), length: String(data.length) }
    for (const [key, value] of Object.entries(entries)) {
      message(writer, 13, (entry) => {
        text(entry, 1, key)
        text(entry, 2, value)
      })
    }
    integer(writer, 14, 1)
    external.write(data)
    const padding = (alignment - (data.length % alignment)) % alignment
    if (padding > 0) external.write(new Uint8Array(padding))
    end += data.length + padding
  }
}

function writeValueInfo(writer: Writer, { name, dtype, shape, isSequence }: OnnxValueInfo): void {
  const writeShape = (inner: Writer) => {
    for (const dimension of shape) {
      message(inner, 1, (entry) => {
        if (typeof dimension === 'number') integer(entry, 1, dimension)
        else text(entry, 2, dimension)
      })
    }
  }
  const writeTensorType = (type: Writer) => {
    message(type, 1, (tensor) => {
      integer(tensor, 1, elementTypes[dtype])
      message(tensor, 2, writeShape)
    })
  }
  const writeSequenceType = (type: Writer) => {
    message(type, 4, (sequence) => message(sequence, 1, writeTensorType))
  }
  text(writer, 1, name)
  message(writer, 2, isSequence ? writeSequenceType : writeTensorType)
}

/** Serializes a model as an ONNX ModelProto, with its large tensors beside it where a place for them is given. */
export function encodeModel(
  { producer, opset, nodes, inputs, outputs, intermediates, initializers }: OnnxModel,
  external?: ExternalData,
): Uint8Array {
  const writeTensor = tensorWriter(external)
  const writer = protobuf.Writer.create()
  integer(writer, 1, irVersion)
  text(writer, 2, producer)
  message(writer, 7, (graph) => {
    for (const node of nodes) message(graph, 1, (inner) => writeNode(inner, node))
    text(graph, 2, 'main')
    for (const tensor of initializers) message(graph, 5, (inner) => writeTensor(inner, tensor))
    for (const input of inputs) message(graph, 11, (inner) => writeValueInfo(inner, input))
    for (const output of outputs) message(graph, 12, (inner) => writeValueInfo(inner, output))
    for (const value of intermediates) message(graph, 13, (inner) => writeValueInfo(inner, value))
  })
  for (const [domain, version] of [
    ['', opset],
    ['com.microsoft', 1],
  ] as const) {
    message(writer, 8, (opsetId) => {
      text(opsetId, 1, domain)
      integer(opsetId, 2, version)
    })
  }
  return writer.finish()
}
