import { pretrain } from '@tfx/transfer'
import { describe, expectTypeOf, it } from 'vitest'
import { load, type SentimentAnswer, type SentimentModel, transfer } from '../src/index'

interface Review {
  text: string
  label: string
}

// Never run: the compiler checks what is in here, and that each wrong call is wrong.
async function check(model: SentimentModel): Promise<void> {
  expectTypeOf(transfer).returns.resolves.toEqualTypeOf<SentimentModel>()
  expectTypeOf(load).returns.resolves.toEqualTypeOf<SentimentModel>()
  expectTypeOf(await model.predict('good')).toEqualTypeOf<SentimentAnswer>()
  expectTypeOf(await model.predict({ text: 'good', textPair: 'bad' })).toEqualTypeOf<SentimentAnswer>()
  expectTypeOf(await model.predict(['good', { text: 'bad' }])).toEqualTypeOf<SentimentAnswer[]>()
  expectTypeOf(await model.evaluate('reviews.csv')).toEqualTypeOf<Record<string, number>>()

  await transfer('base', { train: 'a.csv', validation: [{ text: 'good', label: 'yes' }] }, { epochs: 1 })
  await transfer(model, new URL('file:///a.csv'), { validation: 'b.csv', labels: ['no', 'yes'] })
  await transfer(await pretrain(null as never), 'reviews.csv')
  // An object typed by an interface has no index signature.
  await transfer('base', [] as Review[])

  // @ts-expect-error a data set is needed
  await transfer('base')
  // @ts-expect-error a base is a name or a model
  await transfer({}, 'reviews.csv')
  // @ts-expect-error no such option
  await transfer('base', 'reviews.csv', { epoch: 3 })
  // @ts-expect-error a number, not a string
  await transfer('base', 'reviews.csv', { learningRate: '1e-3' })
  // @ts-expect-error one of two
  await transfer('base', 'reviews.csv', { batching: 'sorted' })
  // @ts-expect-error rows are objects
  await transfer('base', [1, 2])
  // @ts-expect-error no number is a text
  await model.predict(1)
  // @ts-expect-error one option too many
  await model.predict('good', { truncate: true })
  // @ts-expect-error the precisions that there are
  await model.save('directory', { onnx: ['int3'] })
  // @ts-expect-error an answer is not changed
  ;(await model.predict('good')).label = 'bad'
  // @ts-expect-error nor are the labels
  model.labels[0] = 'other'
}

describe('the types', () => {
  it('are checked by the compiler', () => {
    expectTypeOf(check).toBeFunction()
  })
})
