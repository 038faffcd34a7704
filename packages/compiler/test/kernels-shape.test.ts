import { shapeContracts } from './contracts/shape'
import { describeContracts } from './support/contract'

describeContracts(shapeContracts)
