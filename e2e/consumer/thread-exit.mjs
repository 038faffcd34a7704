// Trains in two threads, and ends the process in the middle of their steps.
import { transfer } from '@tfx/sentiment'

const rows = Array.from({ length: 64 }, (_, row) => ({
  text: `film ${row}`,
  label: row % 2 ? 'good' : 'bad',
}))
const started = new Set()
for (const seed of [1, 2]) {
  const onEvent = ({ type }) => {
    if (type !== 'step') return
    started.add(seed)
    if (started.size < 2) return
    console.log('ended while two threads were training')
    process.exit(0)
  }
  void transfer('@tfx/base-encoder', rows, { epochs: 1000, seed, progress: false, thread: true, onEvent })
}
