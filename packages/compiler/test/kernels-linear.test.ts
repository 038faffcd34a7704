import { linearContracts } from './contracts/linear'
import { describeContracts } from './support/contract'

describeContracts(linearContracts)
