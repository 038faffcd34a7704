import { createRandom, isTfxError, type HostTensor } from '@tfx/common'
import { transfer } from '@tfx/sentiment'

export const shuffled: string[] = createRandom(1).shuffle(['a', 'b'])
export const tensor: HostTensor<'int32'> = { dtype: 'int32', shape: [2], data: new Int32Array(2) }
export const known: boolean = isTfxError(new Error())

export async function use(): Promise<void> {
  const model = await transfer('directory', [{ text: 'good', label: 'positive' }])
  const { label } = await model.predict('fine')
  label satisfies string
  // @ts-expect-error a data set is not optional
  await transfer('directory')
  // @ts-expect-error predict takes text
  await model.predict(1)
}
