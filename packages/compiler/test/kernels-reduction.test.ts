import { reductionContracts } from './contracts/reduction'
import { describeContracts } from './support/contract'

describeContracts(reductionContracts)
