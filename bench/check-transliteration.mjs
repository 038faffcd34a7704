// Whether our encoder-decoder computes a trained one: an Arabic-to-Latin transliterator in the format of CTranslate2
// (its test data: TransformerBase, pre-norm, sinusoidal positions from 1), of which two outputs are known.
//
//     node bench/check-transliteration.mjs DIRECTORY   (with model.bin, source_vocabulary.txt, target_vocabulary.txt)
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createSequenceSteps,
  generate,
  getEngine,
  modelFamily,
  readConfig,
  setEngine,
} from './ours/packages.mjs'

const directory = process.argv[2]
const known = { آتزمون: 'atzmon', آتشيسون: 'achison' }
const vocabulary = (name) => readFileSync(join(directory, name), 'utf8').replace(/\n$/, '').split('\n')
const [source, target] = [vocabulary('source_vocabulary.txt'), vocabulary('target_vocabulary.txt')]
const variables = readVariables(readFileSync(join(directory, 'model.bin')))
// CTranslate2 adds an unknown token behind each vocabulary.
const [sourceSize, targetSize] = [source.length + 1, target.length + 1]

// M2M100 is this architecture. Its two vocabularies become one: the target's ids lie behind the source's.
const json = {
  model_type: 'm2m_100',
  vocab_size: sourceSize + targetSize,
  d_model: 32,
  encoder_layers: 6,
  decoder_layers: 6,
  encoder_attention_heads: 8,
  decoder_attention_heads: 8,
  encoder_ffn_dim: 128,
  decoder_ffn_dim: 128,
  pad_token_id: 0,
  tie_word_embeddings: false,
}
const config = readConfig(json, { kind: 'encoder-decoder' })
const task = 'sequence-to-sequence'
const specs = modelFamily(config.modelType).parameterShapes(config, task)
await setEngine('onnx')
const engine = await getEngine()
const store = engine.createStore(
  Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape])),
)
for (const [name, { shape }] of Object.entries(specs)) store.write(name, convert(name, shape))

const model = createSequenceSteps(engine, { config, store })
const bias = variables.get('decoder/projection/bias')
const prompts = Object.keys(known).map((word) => [...word].map((letter) => source.indexOf(letter)))
const results = await generate(model, prompts, {
  decoderStartTokenId: sourceSize + target.indexOf('<s>'),
  eosTokenIds: [sourceSize + target.indexOf('</s>')],
  maxNewTokens: 20,
  // The output's bias, which M2M100 has not; nothing of the source is written.
  logitsProcessors: [
    (scores) => {
      scores.fill(-Infinity, 0, sourceSize)
      bias.forEach((value, id) => (scores[sourceSize + id] += value))
    },
  ],
})
const written = results.map(([{ tokens }]) =>
  tokens
    .slice(0, -1)
    .map((id) => target[id - sourceSize])
    .join(''),
)
Object.entries(known).forEach(([word, expected], index) => {
  console.log(`${word} → ${written[index]} (known: ${expected})`)
})
process.exitCode = Object.values(known).every((expected, index) => written[index] === expected) ? 0 : 1
await model.dispose()

/** CTranslate2's binary format, version 2: names, dimensions, the size of an item, items. */
function readVariables(bytes) {
  let offset = 4
  const integer = (size) => {
    const value = bytes.readUIntLE(offset, size)
    offset += size
    return value
  }
  const text = () => {
    const length = integer(2)
    offset += length
    return bytes.toString('utf8', offset - length, offset - 1)
  }
  text()
  integer(4)
  return new Map(
    Array.from({ length: integer(4) }, () => {
      const name = text()
      for (let rank = integer(1); rank > 0; rank--) integer(4)
      const [itemSize, items] = [integer(1), integer(4)]
      const data = bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + itemSize * items)
      offset += itemSize * items
      return [name, itemSize === 4 ? new Float32Array(data) : undefined]
    }),
  )
}

/** A parameter of ours from CTranslate2's variables, whose projections of queries, keys and values lie together. */
function convert(name, shape) {
  if (name === 'model.shared.weight')
    return joined(variables.get('encoder/embeddings/weight'), variables.get('decoder/embeddings/weight'))
  if (name === 'lm_head.weight')
    return joined(new Float32Array(sourceSize * 32), variables.get('decoder/projection/weight'))
  const kind = name.endsWith('weight') ? ['weight', 'gamma'] : ['bias', 'beta']
  const [, half, layer, rest] = /^model\.(\w+?)\.(?:layers\.(\d+)\.)?(.+)\.\w+$/.exec(name)
  if (layer === undefined) return variables.get(`${half}/layer_norm/${kind[1]}`)
  const from = (path) => variables.get(`${half}/layer_${layer}/${path}`)
  const norms = {
    self_attn_layer_norm: 'self_attention',
    encoder_attn_layer_norm: 'attention',
    final_layer_norm: 'ffn',
  }
  if (norms[rest]) return from(`${norms[rest]}/layer_norm/${kind[1]}`)
  if (rest.startsWith('fc')) return from(`ffn/linear_${Number(rest[2]) - 1}/${kind[0]}`)
  const [attention, projection] = rest.split('.')
  const isSelf = attention === 'self_attn'
  const block = isSelf ? 'self_attention' : 'attention'
  const [linear, part] = {
    q_proj: [0, 0],
    k_proj: isSelf ? [0, 1] : [1, 0],
    v_proj: isSelf ? [0, 2] : [1, 1],
    out_proj: [isSelf ? 1 : 2, 0],
  }[projection]
  const size = shape.reduce((product, length) => product * length)
  return from(`${block}/linear_${linear}/${kind[0]}`).slice(part * size, (part + 1) * size)
}

function joined(first, second) {
  const both = new Float32Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
