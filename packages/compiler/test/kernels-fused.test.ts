import { fusedContracts } from './contracts/fused'
import { describeContracts } from './support/contract'

describeContracts(fusedContracts)
