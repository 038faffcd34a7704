import { attentionContracts } from './contracts/attention'
import { describeContracts } from './support/contract'

describeContracts(attentionContracts)
