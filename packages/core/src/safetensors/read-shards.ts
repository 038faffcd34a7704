import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CheckpointError } from '@tfx/common'
import { corruptFile, type TensorInfo } from './header'
import type { SafetensorsReader } from './read'

/**
 * Opens every shard of an index and presents them as one file.
 *
 * @param path The `model.safetensors.index.json`; its shards lie beside it.
 * @param openShard Opens one shard.
 * @throws CheckpointError if the index is malformed, or a shard or a tensor in it is missing.
 */
export async function openShards(
  path: string,
  openShard: (path: string) => Promise<SafetensorsReader>,
): Promise<SafetensorsReader> {
  const weightMap = await readWeightMap(path)
  const shards = new Map<string, SafetensorsReader>()
  const close = async () => {
    await Promise.all([...shards.values()].map((shard) => shard.close()))
  }
  try {
    for (const name of new Set(weightMap.values())) {
      shards.set(name, await openShard(join(dirname(path), name)))
    }
    const tensors = new Map<string, TensorInfo>()
    for (const [name, file] of weightMap) {
      const info = shards.get(file)?.tensors.get(name)
      if (info === undefined) throw missingInShard(name, { index: path, file })
      tensors.set(name, info)
    }
    const shardOf = (name: string): SafetensorsReader => {
      const shard = shards.get(weightMap.get(name) ?? '')
      if (shard === undefined) throw missingInShard(name, { index: path, file: 'any shard' })
      return shard
    }
    return {
      tensors,
      metadata: [...shards.values()][0]?.metadata ?? {},
      readInto: async (name, destination) => shardOf(name).readInto(name, destination),
      read: async (name) => shardOf(name).read(name),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function readWeightMap(path: string): Promise<Map<string, string>> {
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw corruptFile(path, { expected: 'a JSON file that can be read', received: String(cause), cause })
  }
  const weightMap = (json as { weight_map?: unknown } | null)?.weight_map
  const entries = typeof weightMap === 'object' && weightMap !== null ? Object.entries(weightMap) : []
  // A shard lies beside its index: a path could lead anywhere.
  const valid = entries.every(([, file]) => typeof file === 'string' && /^[^/\\]+\.safetensors$/.test(file))
  if (entries.length > 0 && valid) return new Map(entries as [string, string][])
  throw corruptFile(path, {
    expected: 'an index whose weight_map gives the shard of each tensor',
    received: 'another content',
  })
}

function missingInShard(name: string, { index, file }: { index: string; file: string }): CheckpointError {
  return new CheckpointError({
    function: 'openSafetensors',
    argument: index,
    expected: `an index whose '${name}' is in ${file}`,
    received: 'none there',
    remedy: 'The shards are not of one checkpoint: download or save all of them again.',
  })
}
