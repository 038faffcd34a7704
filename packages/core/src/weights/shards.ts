import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import { corruptFile } from './source-file'
import { missingTensor, type StoredTensor, type WeightsReader } from './weights-reader'

/** What shards are of. */
interface ShardFormat<Info extends StoredTensor> {
  /** The public function, for errors. */
  readonly caller: string
  /** What the names of shards end in: `.safetensors`. */
  readonly extension: string
  /** Opens one shard. */
  open(path: string): Promise<WeightsReader<Info>>
}

/**
 * Opens every shard of an index and presents them as one file.
 *
 * @param path The index, for instance `model.safetensors.index.json`; its shards lie beside it.
 * @throws CheckpointError if the index is malformed, or a shard or a tensor in it is missing.
 */
export async function openShards<Info extends StoredTensor>(
  path: string,
  format: ShardFormat<Info>,
): Promise<WeightsReader<Info>> {
  const { caller } = format
  const weightMap = await readWeightMap(path, format)
  const shards = new Map<string, WeightsReader<Info>>()
  const close = async () => {
    await Promise.all([...shards.values()].map((shard) => shard.close()))
  }
  try {
    for (const name of new Set(weightMap.values())) {
      shards.set(name, await format.open(join(dirname(path), name)))
    }
    const tensors = new Map<string, Info>()
    for (const [name, file] of weightMap) {
      const info = shards.get(file)?.tensors.get(name)
      if (info === undefined) throw missingInShard(name, { caller, index: path, file })
      tensors.set(name, info)
    }
    const shardOf = (name: string): WeightsReader<Info> => {
      const shard = shards.get(weightMap.get(name) ?? '')
      if (shard === undefined) throw missingTensor(name, { caller, file: path })
      return shard
    }
    return {
      tensors,
      readInto: async (name, destination) => shardOf(name).readInto(name, destination),
      read: async (name) => shardOf(name).read(name),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function readWeightMap(
  path: string,
  { caller, extension }: { caller: string; extension: string },
): Promise<Map<string, string>> {
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw corruptFile(path, {
      caller,
      expected: 'a JSON file that can be read',
      received: String(cause),
      cause,
    })
  }
  const weightMap = (json as { weight_map?: unknown } | null)?.weight_map
  const entries = typeof weightMap === 'object' && weightMap !== null ? Object.entries(weightMap) : []
  // A shard lies beside its index: a path could lead anywhere.
  const valid = entries.every(
    ([, file]) => typeof file === 'string' && /^[^/\\\0]+$/.test(file) && file.endsWith(extension),
  )
  if (entries.length > 0 && valid) return new Map(entries as [string, string][])
  throw corruptFile(path, {
    caller,
    expected: 'an index whose weight_map gives the shard of each tensor',
    received: 'another content',
  })
}

function missingInShard(
  name: string,
  { caller, index, file }: { caller: string; index: string; file: string },
): CheckpointError {
  return new CheckpointError({
    function: caller,
    argument: index,
    expected: `an index whose '${name}' is in ${file}`,
    received: 'none there',
    remedy: 'The shards are not of one checkpoint: download or save all of them again.',
  })
}
