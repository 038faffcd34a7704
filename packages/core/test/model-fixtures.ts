import { readFile } from 'node:fs/promises'
import { fixturePath, loadFixture } from '@tfx/testing'
import { tf } from '@tfx/compiler'
import { openSafetensors, readConfig, type EncoderConfig } from '../src/index'

/** What `fixtures/core/make_fixtures.py` wrote about its models. */
export interface ModelOutputs {
  inputIds: number[][]
  attentionMask: number[][]
  tokenTypeIds: number[][]
  labels: number[]
  maskedPositions: number[]
  maskedLabels: number[]
  hidden: number[][][]
  models: Record<string, { logits: number[][]; loss: number; logitsWithoutTokenTypes?: number[][] }>
}

export const outputs = loadFixture<ModelOutputs>('core/outputs')

export const int32 = (rows: number[][]) => tf.tensor2d(rows, undefined, 'int32')

/** The batch of the fixtures as tensors, with `extra` columns of padding. */
export function fixtureInputs({ tokenTypes = true, extra = 0 } = {}) {
  const pad = (rows: number[][]) => int32(rows.map((row) => [...row, ...Array<number>(extra).fill(0)]))
  return {
    inputIds: pad(outputs.inputIds),
    attentionMask: pad(outputs.attentionMask),
    ...(tokenTypes ? { tokenTypeIds: pad(outputs.tokenTypeIds) } : {}),
  }
}

/** Every tensor of a safetensors file as tfjs tensors. */
async function loadTensors(path: string): Promise<Record<string, tf.Tensor>> {
  const file = await openSafetensors(path)
  const tensors: Record<string, tf.Tensor> = {}
  for (const [name, { shape }] of file.tensors) tensors[name] = tf.tensor(await file.read(name), [...shape])
  await file.close()
  return tensors
}

/** The configuration and weights of a fixture model. */
export async function loadFixtureModel(
  name: string,
): Promise<{ config: EncoderConfig; parameters: Record<string, tf.Tensor> }> {
  const config = readConfig(JSON.parse(await readFile(fixturePath(`core/${name}/config.json`), 'utf8')), {
    kind: 'encoder',
  })
  return { config, parameters: await loadTensors(fixturePath(`core/${name}/model.safetensors`)) }
}
