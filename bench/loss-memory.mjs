// How many copies of the logits a language model's loss with its gradient holds at once: the peak of the resident set
// with many tokens, less that with few, over the size of the logits. One copy and its gradient are 2.
//
//     node bench/loss-memory.mjs
import { spawnSync } from 'node:child_process'
import { causalLanguageModelLoss, createRandom, getEngine, setEngine, tf } from './ours/packages.mjs'
import { peakMemoryMegabytes } from './ours/training-step.mjs'

const vocabSize = 50257
const hiddenSize = 32
if (process.argv[2] === undefined) {
  const peak = (tokens) => Number(spawnSync(process.execPath, [process.argv[1], String(tokens)]).stdout)
  const [few, many] = [8, 1032]
  const megabytes = ((many - few) * vocabSize * 4) / 2 ** 20
  console.log(
    `${((peak(many) - peak(few)) / megabytes).toFixed(2)} copies of ${megabytes.toFixed(0)} MB of logits`,
  )
} else {
  const tokens = Number(process.argv[2])
  await setEngine('onnx')
  const engine = await getEngine()
  const random = createRandom(1)
  const store = engine.createStore({ head: [vocabSize, hiddenSize], hidden: [tokens, hiddenSize] }, [
    'gradient',
  ])
  store.write(
    'head',
    Float32Array.from({ length: vocabSize * hiddenSize }, () => random.normal()),
  )
  store.write(
    'hidden',
    Float32Array.from({ length: tokens * hiddenSize }, () => random.normal()),
  )
  const program = await engine.compile(
    ({ inputs, parameters }) => ({
      loss: causalLanguageModelLoss(
        tf.matMul(parameters.hidden, parameters.head, false, true),
        inputs.labels,
      ),
    }),
    {
      inputs: { labels: { shape: [4, tokens / 4], dtype: 'int32' } },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: ['head', 'hidden'] },
    },
  )
  const labels = Int32Array.from({ length: tokens }, () => random.integer(vocabSize))
  for (let count = 0; count < 3; count++) {
    await program.run({ labels: { dtype: 'int32', shape: [4, tokens / 4], data: labels } })
  }
  process.stdout.write(String(peakMemoryMegabytes()))
}
