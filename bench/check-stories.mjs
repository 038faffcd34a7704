// Whether our Llama computes a trained one: stories260K of llama2.c (karpathy/tinyllamas), whose greedy text is known.
//
//     node bench/check-stories.mjs DIRECTORY   (with stories260K.bin, tok512.bin)
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createDecoderSteps,
  generate,
  getEngine,
  modelFamily,
  readConfig,
  setEngine,
} from './ours/packages.mjs'

const directory = process.argv[2]
const known =
  ' Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball.'
const bytes = readFileSync(join(directory, 'stories260K.bin'))
const [hiddenSize, intermediateSize, layers, heads, keyValueHeads, vocabSize, positions] = Array.from(
  { length: 7 },
  (_, index) => bytes.readInt32LE(4 * index),
)
const json = {
  model_type: 'llama',
  vocab_size: vocabSize,
  hidden_size: hiddenSize,
  intermediate_size: intermediateSize,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: keyValueHeads,
  max_position_embeddings: positions,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
}
const config = readConfig(json, { kind: 'decoder' })
const weights = readWeights()
const specs = modelFamily(config.modelType).parameterShapes(config, 'causal-language-modelling')
await setEngine('onnx')
const engine = await getEngine()
const store = engine.createStore(
  Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape])),
)
for (const name of Object.keys(specs)) store.write(name, weights.get(name))
const model = createDecoderSteps(engine, { config, store })
const pieces = readPieces()
const [[{ tokens }]] = await generate(model, [[1]], { eosTokenIds: [1, 2], maxNewTokens: 80 })
const text = tokens.map((id) => pieces[id]).join('')
console.log(text)
console.log(text.startsWith(known) ? 'The known text.' : `Expected: ${known}`)
process.exitCode = text.startsWith(known) ? 0 : 1
await model.dispose()

/** The arrays of the file in their order: each kind for all layers. */
function readWeights() {
  let offset = 28
  const read = (count) => {
    const values = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + 4 * count),
    )
    offset += 4 * count
    return values
  }
  const found = new Map([['model.embed_tokens.weight', read(vocabSize * hiddenSize)]])
  const headSize = hiddenSize / heads
  const kinds = [
    ['input_layernorm', hiddenSize],
    ['self_attn.q_proj', hiddenSize * hiddenSize, heads],
    ['self_attn.k_proj', hiddenSize * keyValueHeads * headSize, keyValueHeads],
    ['self_attn.v_proj', hiddenSize * keyValueHeads * headSize],
    ['self_attn.o_proj', hiddenSize * hiddenSize],
    ['post_attention_layernorm', hiddenSize],
    ['mlp.gate_proj', hiddenSize * intermediateSize],
    ['mlp.down_proj', hiddenSize * intermediateSize],
    ['mlp.up_proj', hiddenSize * intermediateSize],
  ]
  for (const [name, size, turnedHeads] of kinds) {
    for (let layer = 0; layer < layers; layer++) {
      const values = read(size)
      found.set(
        `model.layers.${layer}.${name}.weight`,
        turnedHeads ? halves(values, turnedHeads, headSize) : values,
      )
    }
  }
  return found.set('model.norm.weight', read(hiddenSize))
}

/** Rows of pairs (0, 1), (2, 3), … as Hugging Face pairs them: the first half of a head with the second. */
function halves(values, count, headSize) {
  const to = new Float32Array(values.length)
  for (let head = 0; head < count; head++) {
    for (let row = 0; row < headSize; row++) {
      const from = head * headSize + 2 * (row % (headSize / 2)) + (row < headSize / 2 ? 0 : 1)
      to.set(
        values.subarray(from * hiddenSize, (from + 1) * hiddenSize),
        (head * headSize + row) * hiddenSize,
      )
    }
  }
  return to
}

/** The text of every token. */
function readPieces() {
  const file = readFileSync(join(directory, 'tok512.bin'))
  let offset = 4
  return Array.from({ length: vocabSize }, () => {
    const length = file.readInt32LE(offset + 4)
    const piece = file.toString('utf8', offset + 8, offset + 8 + length)
    offset += 8 + length
    return piece
  })
}
