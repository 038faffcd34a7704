import { CheckpointError } from '@tfx/common'
import type { SafetensorsType } from '../weights/number-formats'
import { isRecord, type PickleHost, type PickleValue, type TorchStorage, type TorchTensor } from './pickle'
import { requireView } from './view'

/** The storages of PyTorch, with the element types in the spelling of safetensors. */
const storageTypes: ReadonlyMap<string, SafetensorsType> = new Map([
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.DoubleStorage', 'F64'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
  ['torch.storage.UntypedStorage', 'U8'],
])

type Call = (values: readonly PickleValue[], fail: PickleHost['fail']) => PickleValue

/** What a file of weights may call, each with our own meaning: no code of the file or of Python runs. */
const functions: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['collections.OrderedDict', orderedDictionary],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch.Size', size],
])

/** Everything that a pickle of weights may import. */
export const allowedGlobals: readonly string[] = [...functions.keys(), ...storageTypes.keys()]

/**
 * What the pickle of a file of weights may refer to: storages, tensors, parameters and ordered dictionaries.
 *
 * @param path The file, for errors.
 */
export function torchHost(path: string): PickleHost {
  const fail = (received: string) =>
    new CheckpointError({
      function: 'openTorchFile',
      argument: path,
      expected: 'a file that torch.save wrote of nothing but tensors',
      received,
      remedy:
        'Nothing of it was run. If you trust where it came from, convert it once in Python: ' +
        'AutoModel.from_pretrained(directory).save_pretrained(directory), or ' +
        "torch.save(model.state_dict(), 'pytorch_model.bin').",
    })
  return {
    fail,
    global(name) {
      if (functions.has(name) || storageTypes.has(name)) return { kind: 'global', name }
      throw fail(`the global '${name.slice(0, 120)}'`)
    },
    call(name, values) {
      const function_ = functions.get(name)
      if (function_ === undefined) throw fail(`a call of '${name}'`)
      return function_(values, fail)
    },
    persistent: (id) => storage(id, fail),
  }
}

/** `('storage', type, key, device, elements)`; older versions add a view, which is None. */
function storage(id: PickleValue, fail: PickleHost['fail']): TorchStorage {
  const [tag, type, key, , elements, view = null] = isRecord(id) && id.kind === 'tuple' ? id.items : []
  const dtype = isRecord(type) && type.kind === 'global' ? storageTypes.get(type.name) : undefined
  const isStorage = tag === 'storage' && typeof key === 'string' && isSize(elements) && view === null
  if (!isStorage || dtype === undefined) throw fail('a persistent object that is no storage')
  return { kind: 'storage', key, dtype, elements }
}

function orderedDictionary(values: readonly PickleValue[], fail: PickleHost['fail']): PickleValue {
  if (values.length > 0) throw fail('an OrderedDict that is made of something')
  return { kind: 'dictionary', entries: new Map() }
}

/** `(storage, offset, size, strides, requires_grad, backward_hooks, metadata?)` */
function rebuildTensor(values: readonly PickleValue[], fail: PickleHost['fail']): TorchTensor {
  const [source, offset, shape, strides, , , metadata = null] = values
  const isTensor = isRecord(source) && source.kind === 'storage' && isSize(offset)
  if (!isTensor) throw fail('a tensor without a storage')
  const isPlain = isRecord(metadata)
    ? metadata.kind === 'dictionary' && metadata.entries.size === 0
    : metadata === null
  // `{'neg': True}` of a view that negates when it is read.
  if (!isPlain) throw fail('a tensor with metadata, which change its values')
  const tensor = {
    kind: 'tensor',
    storage: source,
    offset,
    shape: sizesOf(shape, fail),
    strides: sizesOf(strides, fail),
  } as const
  requireView(tensor, fail)
  return tensor
}

/** `(tensor, requires_grad, backward_hooks)` */
function rebuildParameter([tensor]: readonly PickleValue[], fail: PickleHost['fail']): TorchTensor {
  if (isRecord(tensor) && tensor.kind === 'tensor') return tensor
  throw fail('a parameter without a tensor')
}

function size([sizes]: readonly PickleValue[], fail: PickleHost['fail']): PickleValue {
  if (isRecord(sizes) && sizes.kind === 'tuple') return sizes
  throw fail('a torch.Size without sizes')
}

/** The limit of PyTorch itself, so that a forged tuple cannot cost much. */
const maximumAxes = 64

function sizesOf(value: PickleValue | undefined, fail: PickleHost['fail']): readonly number[] {
  if (isRecord(value) && value.kind === 'tuple') {
    if (value.items.length <= maximumAxes && value.items.every(isSize)) return value.items
  }
  throw fail('a tensor whose sizes are not whole numbers')
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
