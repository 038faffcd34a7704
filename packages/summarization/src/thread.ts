// What a worker thread runs: `transfer` and `load` for the thread that started it.
import { serveThread } from '@tfx/transfer'
import { load, transfer } from './index'

serveThread({ transfer, load })
