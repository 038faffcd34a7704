import { elementwiseContracts } from './contracts/elementwise'
import { describeContracts } from './support/contract'

describeContracts(elementwiseContracts)
