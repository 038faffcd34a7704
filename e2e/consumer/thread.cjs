// Trains in a thread, by CommonJS. A thread with a model that is not disposed of must not keep the process alive.
const { EngineError } = require('@tfx/common')
const { transfer } = require('@tfx/sentiment')

const rows = Array.from({ length: 24 }, (_, row) => ({
  text: `film ${row}`,
  label: row % 2 ? 'good' : 'bad',
}))

transfer('@tfx/base-encoder', rows, { epochs: 1, progress: false, thread: true }).then(async (model) => {
  const first = await model.predict('film 1')
  const further = await transfer(model, rows, { maxSteps: 1, progress: false, thread: true })
  await further.dispose()
  const gone = await further.predict('film').catch((error) => error)
  if (!(gone instanceof EngineError)) throw gone
  console.log(`trained in a thread by CommonJS: ${Object.keys(first).join(', ')}`)
})
