import { AutoModelForSeq2SeqLM, AutoTokenizer, env, type Tensor } from '@huggingface/transformers'
import { temporaryFolder } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { quick, tinyBase, toyRows } from './support'

env.allowRemoteModels = false

const folder = temporaryFolder()
const texts = toyRows(6, 3).map(({ document }) => document)

describe.each(['t5', 'bart', 'pegasus'] as const)('%s', (modelType) => {
  it('is trained, saved and loaded, and Transformers.js writes the same tokens', async () => {
    const model = await transfer(await tinyBase(modelType), toyRows(40), { ...quick, epochs: 2 })
    const directory = folder(modelType)
    await model.save(directory, { onnx: ['float32'] })
    const loaded = await load(directory)
    const options = { numBeams: 1, maxLength: 12 }
    const own = await model.summarize(texts, options)
    expect(await loaded.summarize(texts, options)).toEqual(own)
    // Transformers.js has no class for Pegasus.
    if (modelType !== 'pegasus') {
      const tokenizer = await AutoTokenizer.from_pretrained(directory)
      const theirs = await AutoModelForSeq2SeqLM.from_pretrained(directory, { dtype: 'fp32' })
      const prefix = modelType === 't5' ? 'summarize: ' : ''
      for (const [index, text] of texts.entries()) {
        const inputs = tokenizer(prefix + text) as object
        const written = (await theirs.generate({ ...inputs, max_new_tokens: 12, num_beams: 1 })) as Tensor
        const [row] = written.tolist() as bigint[][]
        expect(tokenizer.decode(row!.map(Number), { skip_special_tokens: true }).trim()).toBe(
          own[index]!.text,
        )
      }
      await theirs.dispose()
    }
    await model.dispose()
    await loaded.dispose()
  }, 60_000)
})
