import { attentionKernels } from './attention'
import { elementwiseKernels } from './elementwise'
import { fusedKernels } from './fused'
import type { KernelTable } from './kernel'
import { linearKernels } from './linear'
import { reductionKernels } from './reduction'
import { shapeKernels } from './shape'

/** Every tfjs op that can be traced. */
export const kernels: KernelTable = {
  ...elementwiseKernels,
  ...shapeKernels,
  ...reductionKernels,
  ...linearKernels,
  ...fusedKernels,
  ...attentionKernels,
}
