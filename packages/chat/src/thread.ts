// What a worker thread runs: the functions of this package that take { thread: true }.
import { serveThread } from '@tfx/transfer'
import { load, transfer } from './index'

serveThread({ transfer, load })
